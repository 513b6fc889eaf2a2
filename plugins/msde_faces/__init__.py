"""Where the faces of a photo are: dlib, YuNet, mediapipe, faces that are cropped already, points that are given."""
