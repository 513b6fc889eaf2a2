"""Faces from photos: found, aligned by the eyes, cut by one recipe; what is lost is told, and put right by hand."""

from msde_toolkit.data.faces.crops import Cutting, FaceCrops
from msde_toolkit.data.faces.folder import CutFaces, cut_faces
from msde_toolkit.data.faces.recipe import Recipe
from msde_toolkit.data.faces.search import Finder

__all__ = ["CutFaces", "Cutting", "FaceCrops", "Finder", "Recipe", "cut_faces"]
