import numpy as np

from msde_toolkit.landmarks import canonical_landmarks

# Each point's mirror image in the iBUG 300-W order.
MIRROR = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
MIRROR += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
MIRROR += [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]


def test_the_face_is_symmetric_and_lies_inside():
    points = canonical_landmarks(1, 1)
    assert points.shape == (68, 2)
    assert points.dtype == np.float64
    assert np.allclose(points[MIRROR] * [-1, 1] + [1, 0], points, atol=1e-12)
    assert points.min() > 0.1
    assert points.max() < 0.99


def test_the_order_is_ibug():
    x, y = canonical_landmarks(1, 1).T
    assert (np.diff(x[:17]) > 0).all()
    assert y[8] == y.max()
    assert (np.diff(x[17:27]) > 0).all()
    assert (np.diff(y[27:31]) > 0).all()
    assert (np.diff(x[31:36]) > 0).all()
    for outer, upper, inner, lower in ((36, (37, 38), 39, (40, 41)), (45, (43, 44), 42, (46, 47))):
        assert abs(x[outer] - 0.5) > abs(x[inner] - 0.5)
        assert max(y[list(upper)]) < min(y[list(lower)])
    assert (np.diff(x[48:55]) > 0).all()
    assert (np.diff(x[54:60]) < 0).all()
    assert (np.diff(x[60:65]) > 0).all()
    assert (np.diff(x[64:68]) < 0).all()
    assert y[51] < y[62] < y[66] < y[57]


def test_pixels_scale_with_the_image():
    assert np.allclose(canonical_landmarks(200, 100), canonical_landmarks(1, 1) * [200, 100])
    changed = canonical_landmarks(48, 48)
    changed += 1.0
    assert np.allclose(canonical_landmarks(48, 48) + 1.0, changed)
