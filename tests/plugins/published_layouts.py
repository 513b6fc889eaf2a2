"""Small sets in the exact form in which the field's sets are given out, with images that tests make themselves."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

EIGHT = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral", "contempt")
AFFECTNET_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
)
FERPLUS_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
POINTS = ";".join(f"{k}.25" for k in range(136))


def picture(file, side=8, value=0, mode="RGB"):
    """An image of one grey with a white corner."""
    pixels = np.full((side, side, 3), value, dtype=np.uint8)
    pixels[0, 0] = 255
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, "PNG" if file.suffix.lower() == ".png" else "JPEG")
    file.write_bytes(stream.getvalue())


def text(file, lines, *, end="\n", last=True, bom=False):
    """Lines into a file; ``last``: whether the last one ends with a newline."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = end.join(lines) + (end if last else "")
    file.write_bytes((b"\xef\xbb\xbf" if bom else b"") + content.encode())
    return file


def rafdb(root, train=7, test=7):
    """EmoLabel/list_patition_label.txt without a newline at its end, Image/aligned."""
    names = [f"train_{k + 1:05d}" for k in range(train)] + [f"test_{k + 1:04d}" for k in range(test)]
    for k, name in enumerate(names):
        picture(root / "Image" / "aligned" / f"{name}_aligned.jpg", value=10 * k)
    lines = [f"{name}.jpg {int(name[-4:]) % 7 + 1}" for name in names]
    text(root / "EmoLabel" / "list_patition_label.txt", lines, last=False)
    return root


def ferplus_votes(k):
    """Ten votes of which emotion ``k`` of the file's columns has eight; the others a single one."""
    votes = [0] * 10
    votes[k % 8], votes[(k + 1) % 8], votes[(k + 2) % 8] = 8, 1, 1
    return votes


def ferplus_folders(root, rows=8):
    """FER2013Train, FER2013Valid and FER2013Test with label.csv."""
    number = 0
    for folder in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        lines = []
        for k in range(rows):
            name = f"fer{number:07d}.png"
            picture(root / folder / name, side=48, value=number, mode="L")
            lines.append(f'{name},"(0, 0, 48, 48)",{",".join(map(str, ferplus_votes(k)))}')
            number += 1
        text(root / folder / "label.csv", lines)
    return root


def ferplus_csv(root, usages):
    """fer2013.csv and fer2013new.csv of one row for each usage; pixels are the row's number."""
    pixels = [f"{k % 7},{' '.join([str(k)] * 2304)},{usage}" for k, usage in enumerate(usages)]
    text(root / "fer2013.csv", ["emotion,pixels,Usage", *pixels])
    votes = [f"{usage},fer{k:07d}.png,{','.join(map(str, ferplus_votes(k)))}" for k, usage in enumerate(usages)]
    text(root / "fer2013new.csv", [FERPLUS_HEADER, *votes])
    return root


def affectnet_row(name, expression, box="134,134,899,899", points=POINTS):
    return f"{name},{box},{points},{expression},0.785714,-0.055556"


def affectnet_csv(root, rows=11):
    """training.csv with a header, validation.csv without one, images in numbered folders."""
    for file, header, folder in (("training.csv", [AFFECTNET_HEADER], "689"), ("validation.csv", [], "7")):
        lines = []
        for k in range(rows):
            name = f"{folder}/{k:056x}.jpg"
            picture(root / name, value=5 * k)
            lines.append(affectnet_row(name, k % 11))
        text(root / file, [*header, *lines], end="\r\n")
    return root


def affectnet_2021(root, rows=11):
    """train_set and val_set: images/N.jpg and annotations/N_exp.npy, text as given out."""
    for folder in ("train_set", "val_set"):
        (root / folder / "annotations").mkdir(parents=True)
        for k in range(rows):
            picture(root / folder / "images" / f"{k}.jpg", value=5 * k)
            np.save(root / folder / "annotations" / f"{k}_exp.npy", np.array(str(k % 11)))
            np.save(root / folder / "annotations" / f"{k}_lnd.npy", np.arange(136) + 0.5)
    return root


def expw(root, faces=14):
    """label.lst and image/: two faces a photo of 20 pixels, one at the left edge, one at the right."""
    lines = []
    for k in range(faces):
        name = f"fierce_couple_{k // 2}.jpg"
        picture(root / "image" / name, side=20, value=10 * (k // 2))
        left = 0 if k % 2 == 0 else 12
        lines.append(f"{name} {k % 2} 2 {left} {left + 8} 12 26.119 {k % 7}")
    text(root / "label.lst", lines)
    return root


LAYOUTS = {"affectnet": affectnet_csv, "expw": expw, "ferplus": ferplus_folders, "rafdb": rafdb}
"""By the dataset plugin's name: writes a small set into a folder, returns the root."""
