"""Small sets of faces in folders, in the exact form in which they are given out, with images that tests make."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

SEVEN = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
CK48 = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
FEDRO = ("neural", "disgust", "fear", "anger", "happy", "surprise", "sad")
JAFFE = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")


def face(file, value=0, side=8, mode="RGB"):
    """An image of one grey with a white corner, in the format that its name says."""
    pixels = np.full((side, side, 3), value % 200, dtype=np.uint8)
    pixels[0, 0] = 255
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    kinds = {".jpg": "JPEG", ".tiff": "TIFF", ".tif": "TIFF", ".bmp": "BMP"}
    Image.fromarray(pixels).convert(mode).save(stream, kinds.get(file.suffix.lower(), "PNG"))
    file.write_bytes(stream.getvalue())
    return file


def junk(folder):
    """What file managers leave behind."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._a.png"):
        (folder / name).write_bytes(b"\0junk")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "a.png").write_bytes(b"x")


def msde(root, subjects=4, alone=1):
    """MSD-E, MSD-ME and Paired_files.txt; each subject has seven pairs, the first ``alone`` lack a masked face."""
    names = [f"{subject}_{label}_{subject}.jpg" for subject in range(1, subjects + 1) for label in range(7)]
    for k, name in enumerate(names):
        face(root / "MSD-E" / name, k)
        if k >= alone:
            face(root / "MSD-ME" / name, 100 + k)
    (root / "Paired_files.txt").write_text("\n".join(names[alone:]) + "\n")
    return root


def ck_sequences(root, subjects=2, frames=5):
    """cohn-kanade-images and Emotion; the last sequence of each subject has no emotion file."""
    for subject in (f"S{5 * k + 5:03d}" for k in range(subjects)):
        for number in range(1, 10):
            sequence = f"{subject}_{number:03d}"
            folder = root / "cohn-kanade-images" / subject / f"{number:03d}"
            for frame in range(1, frames + 1):
                face(folder / f"{sequence}_{frame:08d}.png", 10 * number + frame)
            emotions = root / "Emotion" / subject / f"{number:03d}"
            emotions.mkdir(parents=True)
            if number < 9:
                (emotions / f"{sequence}_{frames:08d}_emotion.txt").write_text(f"   {number - 1}.0000000e+00\n")
    (root / "cohn-kanade-images" / ".DS_Store").write_bytes(b"x")
    return root


def ck48(root, subjects=4):
    """Seven class folders, three frames of each subject."""
    for k, name in enumerate(CK48):
        for subject in range(10, 10 + subjects):
            for frame in (17, 18, 19):
                face(root / name / f"S{subject:03d}_{k + 1:03d}_{frame:08d}.png", 10 * k + frame, mode="L")
    return root


def jaffe(root, ending=".tiff", mode="P"):
    """Two women with every expression twice; palette images, as the originals."""
    number = 0
    for subject in ("KA", "NA"):
        for code in JAFFE:
            for k in (1, 2):
                number += 1
                face(root / f"{subject}.{code}{k}.{number}{ending}", number, mode=mode)
    return root


def fedro(root, each=3):
    """Class folders, neutral written neural."""
    for k, name in enumerate(FEDRO):
        for number in range(each):
            face(root / name / f"{number}.jpg", 10 * k + number)
    return root


def mlfw(root, sets=("M-LFW-FER",), people=("Aaron_Guiel", "Al_Gore", "Jo_Rowling")):
    """{train,eval}/{positive,negative,neutral}, LFW's names; a person is in one split only."""
    for name in sets:
        for k, word in enumerate(("negative", "neutral", "positive")):
            for place, person in enumerate(people):
                split = "eval" if place == 0 else "train"
                face(root / name / split / word / f"{person}_{k + 1:04d}.jpg", 10 * k + place)
    return root


def class_folders(root, each=2, words=SEVEN):
    """ROOT/CLASS/s1_0.png and so on."""
    for k, word in enumerate(words):
        for number in range(each):
            face(root / word / f"s{number + 1}_{k}.png", 10 * k + number)
    return root


def table(root, rows=14):
    """manifest.csv with images beside it."""
    lines = ["id,path,label,subject"]
    for k in range(rows):
        face(root / "faces" / f"{k}.png", k)
        lines.append(f"i{k},faces/{k}.png,{SEVEN[k % 7]},s{k // 7}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return root


LAYOUTS = {
    "ckplus": ck_sequences,
    "fedro": fedro,
    "folder": class_folders,
    "jaffe": jaffe,
    "mlfw": mlfw,
    "msde": msde,
    "table": table,
}
