"""Pickles of arrays, as VGGFace2's: their numbers come out, and nothing that a pickle names is ever called."""

import importlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from msde_toolkit.errors import InputError
from msde_toolkit.weights import read_weights

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "by_columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big_endian": np.array([1.5, -2], dtype=">f4"),
    "half": np.array([0.5], dtype=np.float16),
    "count": np.array(3, dtype=np.int64),
    "flags": np.array([True, False]),
}


def python2(array, module="numpy.core.multiarray"):
    """How Python 2 wrote an array in protocol 2: byte strings, to be read as Latin-1."""
    data, (major, *_) = array.tobytes(), array.shape
    return (
        f"c{module}\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K".encode("latin1")
        + bytes([major])
        + f"\x85cnumpy\ndtype\nU\x02{array.dtype.str[1:]}K\x00K\x01\x87R".encode("latin1")
        + b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T"
        + len(data).to_bytes(4, "little")
        + data
        + b"tb"
    )


def written(file, content):
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("protocol", range(2, 6))
def test_arrays_of_every_kind_and_protocol(tmp_path, protocol):
    state = read_weights(written(tmp_path / "w.pkl", pickle.dumps(ARRAYS, protocol)))
    assert state.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        native = array.astype(array.dtype.newbyteorder("="))
        assert np.array_equal(state[key].numpy(), native), key
        assert state[key].numpy().dtype == native.dtype


def test_a_pickle_of_python_2(tmp_path):
    values = np.array([1.5, -3.25e7, 0.1], np.float32)
    content = b"\x80\x02}(U\x0cconv1.weight" + python2(values) + b"u."
    state = read_weights(written(tmp_path / "w.pkl", content))
    assert np.array_equal(state["conv1.weight"].numpy(), values)
    assert np.array_equal(pickle.loads(content, encoding="latin1")["conv1.weight"], values), "as numpy reads it"


def test_scalars_and_ordered_dictionaries(tmp_path):
    from collections import OrderedDict

    content = {"state_dict": OrderedDict(a=np.ones(2)), "best": np.float64(88.5), "step": np.int32(4)}
    state = read_weights(written(tmp_path / "w.pkl", pickle.dumps(content)))
    assert (state["best"], state["step"]) == (88.5, 4)
    assert torch.equal(state["state_dict"]["a"], torch.ones(2, dtype=torch.float64))


def test_arrays_inside_a_torch_checkpoint(tmp_path):
    torch.save({"a": np.arange(3.0), "b": torch.ones(1)}, tmp_path / "w.pth")
    assert torch.equal(read_weights(tmp_path / "w.pth")["a"], torch.arange(3.0, dtype=torch.float64))


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a"]),
        np.array([object()]),
        np.array([1 + 2j]),
        np.zeros(1, [("x", "f4")]),
        np.array(["2024"], "M8[Y]"),
    ],
)
def test_arrays_that_hold_no_numbers_are_refused(tmp_path, array):
    file = tmp_path / "w.pkl"
    try:
        written(file, pickle.dumps({"a": array}))
    except (AttributeError, TypeError):
        pytest.skip("cannot be pickled")
    with pytest.raises(InputError, match=r"w\.pkl: (is cut off or damaged|refused)"):
        read_weights(file)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02}(U\x01acnumpy\nndarray\nK\x03\x85Ru.",  # an array without contents
        b"\x80\x02}(U\x01acnumpy\ndtype\nU\x03f99\x85Ru.",
        b"\x80\x02}(U\x01acnumpy\ndtype\n}\x85Ru.",
        b"\x80\x02cnumpy\nndarray\n.",
        b"\x80\x02}(U\x01a" + python2(np.ones(3, np.float32)).replace(b"K\x01K\x03\x85", b"K\x01K\x07\x85") + b"u.",
        b"\x80\x02}(U\x01ac_codecs\nencode\nU\x01xU\x03hex\x86Ru.",
        b"\x80\x02}(U\x01aQu.",  # a persistent id
        pickle.dumps(ARRAYS)[:-40],
        b"\x80\x02.",
        b"\x80\xff",
        b"\x80\x04\x8c",
    ],
)
def test_damaged_pickles(tmp_path, content):
    with pytest.raises(InputError, match=r"w\.pkl: (is cut off or damaged|holds)") as caught:
        read_weights(written(tmp_path / "w.pkl", content))
    assert str(caught.value).count("\n") <= 1


class Reduced:
    """A call, as a pickle makes it."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def named(module, name, *arguments):
    """The opcodes of a call of ``module.name`` with texts."""
    texts = b"".join(b"X" + len(word).to_bytes(4, "little") + word.encode() for word in arguments)
    return f"c{module}\n{name}\n(".encode() + texts + b"tR"


def calls(marker):
    """Name -> the opcodes of a pickle that would make a file, or could reach what makes one."""
    make = f"open({str(marker)!r}, 'w')"
    return {
        "os.system": named("os", "system", f"touch {marker}"),
        "posix.system": named("posix", "system", f"touch {marker}"),
        "builtins.eval": named("builtins", "eval", make),
        "builtins.exec": named("builtins", "exec", make),
        "__builtin__.eval": named("__builtin__", "eval", make),
        "builtins.open": named("builtins", "open", str(marker), "w"),
        "getattr": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nX\x06\x00\x00\x00tofiletR",
        "operator": named("operator", "attrgetter", "x"),
        "subprocess": named("subprocess", "getoutput", f"touch {marker}"),
        "pathlib": named("pathlib", "Path", str(marker)),
        "importlib": named("importlib", "import_module", "antigravity"),
        "copyreg": named("copyreg", "_reconstructor", "x"),
        "functools": named("functools", "partial", "x"),
        "numpy.load": named("numpy", "load", str(marker)),
        "numpy.memmap": named("numpy", "memmap", str(marker), "uint8", "w+"),
        "numpy.savetxt": named("numpy", "savetxt", str(marker), "1"),
        "numpy.f2py": named("numpy.f2py", "compile", "x"),
        "numpy.testing": named("numpy.testing._private.utils", "runstring", make),
        "numpy.core.multiarray.fromfile": named("numpy.core.multiarray", "fromfile", str(marker)),
        "numpy.core.numeric.os": named("numpy.core.numeric", "os.system", f"touch {marker}"),
        "numpy dotted": b"\x8c\x05numpy\x8c\x11core.numeric.load\x93)R",
        "collections": named("collections", "namedtuple", "a", "b"),
        "torch.load": named("torch", "load", str(marker)),
        "torch.hub": named("torch.hub", "load", "x", "y"),
        "dtype with odd spaces": named(" numpy", "dtype", "f4"),
        "_codecs.decode": named("_codecs", "decode", "x", "rot13"),
        "_codecs.open": named("codecs", "open", str(marker), "w"),
    }


@pytest.mark.parametrize("name", calls("x"))
@pytest.mark.parametrize("suffix", ["pkl", "pth"])
def test_pickles_that_name_anything_else_are_refused_before_they_run(tmp_path, name, suffix):
    marker = tmp_path / "ran"
    content = b"\x80\x04}(X\x01\x00\x00\x00a" + calls(marker)[name] + b"u."
    with pytest.raises(InputError, match=r"refused, because opening it would run Python code") as caught:
        read_weights(written(tmp_path / f"w.{suffix}", content))
    assert not marker.exists()
    assert str(caught.value).count("\n") == 1


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "subprocess"])
def test_the_traps_are_traps(tmp_path, name):
    """Python's own unpickler runs them, in a process of its own."""
    marker = tmp_path / "ran"
    file = written(tmp_path / "w.pkl", b"\x80\x04" + calls(marker)[name] + b".")
    subprocess.run([sys.executable, "-c", f"import pickle; pickle.load(open({str(file)!r}, 'rb'))"], check=False)
    assert marker.exists()


def test_nothing_of_numpy_is_called_even_where_it_is_named(tmp_path):
    """The names that are allowed are stand-ins: a pickle cannot pass numpy's own functions to one another."""
    arrays = importlib.import_module("msde_toolkit.weights.arrays")
    assert len(arrays.ALLOWED) == 10
    assert all(stand_in is dict or stand_in.__module__ == arrays.__name__ for stand_in in arrays.ALLOWED.values())
    torch.save({"a": Reduced(np.dtype, "O")}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="an array of 'O', not of numbers"):
        read_weights(tmp_path / "w.pth")


def test_a_torch_state_dict_that_was_pickled_plainly_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"(?s)\(torch\._utils\._rebuild_tensor_v2\).*save the model's state_dict"):
        read_weights(written(tmp_path / "w.pkl", pickle.dumps({"a": torch.ones(1)})))
