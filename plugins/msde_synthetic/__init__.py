"""The synthetic twin of the Masked Student Dataset of Expressions (MSD-E).

Procedurally drawn faces: 142 invented subjects show seven expressions as mixtures of FACS action units, once without
and once with a mask, and the verified subset has exactly the counts of the paper's Table 2. No photograph of anyone
is involved, nothing is downloaded, and a number measured here says nothing about people.

Where to look: ``plan`` (which images there are, and their labels), ``subjects``, ``facs``, ``scene`` (what is drawn),
``geometry`` (how action units move a face), ``draw_*``, ``shading`` and ``camera`` (how it becomes pixels),
``render`` (one image), ``dataset`` (the adapter to the toolkit).
"""

GENERATOR_VERSION = "1"
"""Changes whenever any pixel or label of the default set changes; part of every manifest's provenance."""
