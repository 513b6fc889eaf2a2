"""Published files: found where they are, downloaded whole or not at all, and checked by the hash in their name."""

import hashlib

import pytest
import torch
from installed import install
from safetensors.torch import save_file
from small_network import Small
from torchvision.models import get_model_weights

from msde_toolkit import create_model
from msde_toolkit.errors import InputError
from msde_toolkit.weights import imagenet_file
from msde_toolkit.weights.published import PUBLISHED, local_name, published_file

CONTENT = b"weights" * 300_000
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache and an empty folder of torch's downloads."""
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def published(folder, name=f"net-{HASH[:8]}.pth", content=CONTENT):
    """The address of a file."""
    file = folder / "site" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file.as_uri()


def test_it_is_downloaded_once_and_whole(home):
    url, seen = published(home), []
    file = published_file(url, lambda done, size: seen.append((done, size)))
    assert file == home / "cache/weights" / f"net-{HASH[:8]}.pth"
    assert file.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1
    (home / "site" / file.name).unlink()
    assert published_file(url) == file


def test_a_file_that_torch_has_downloaded_is_used(home):
    url = published(home)
    kept = home / "torch/hub/checkpoints" / f"net-{HASH[:8]}.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(CONTENT)
    assert str(kept.parent.parent) == torch.hub.get_dir()
    assert published_file(url) == kept
    kept.write_bytes(CONTENT[:-1])
    assert published_file(url) == home / "cache/weights" / kept.name


def test_a_damaged_file_of_ours_is_replaced(home):
    url = published(home)
    file = published_file(url)
    file.write_bytes(CONTENT[:1000])
    assert published_file(url).read_bytes() == CONTENT


def test_another_file_than_its_name_promises_is_not_kept(home):
    url = published(home, content=b"<html>")
    with pytest.raises(InputError, match=rf"sha256 begins with .*, not {HASH[:8]}") as caught:
        published_file(url)
    assert str(caught.value).count("\n") == 1
    assert list((home / "cache/weights").iterdir()) == []


def test_nothing_there_is_one_message_with_the_remedies(home):
    class Far(Small):
        url = (home / "nowhere" / f"net-{HASH[:8]}.pth").as_uri()

    with pytest.raises(InputError) as caught:
        imagenet_file(Far())
    first, second = str(caught.value).splitlines()
    assert Far.url in first
    assert "No such file" in first
    assert str(home / "cache/weights" / f"net-{HASH[:8]}.pth") in second
    assert "--weights FILE" in second
    assert "--weights none" in second


def test_an_address_of_another_kind_and_a_model_without_one(home):
    odd = type("Odd", (Small,), {"url": "ftp://example.org/net.pth"})()
    with pytest.raises(InputError, match="not a web address"):
        imagenet_file(odd)
    with pytest.raises(InputError, match=r"Small with these options knows no ImageNet weights.*--weights FILE"):
        imagenet_file(Small())


def test_files_of_one_name_are_kept_apart(home):
    (home / "site/a").mkdir(parents=True)
    (home / "site/b").mkdir()
    urls = [published(home, f"{part}/model.safetensors", part.encode()) for part in ("a", "b")]
    assert [published_file(url).read_bytes() for url in urls] == [b"a", b"b"]
    assert len({local_name(url) for url in urls}) == 2
    assert all(published_file(url).suffix == ".safetensors" for url in urls)


def test_the_addresses_are_torchvisions():
    assert {name: entry.url for name, entry in PUBLISHED.items() if entry.url} == {
        name: get_model_weights(name)["IMAGENET1K_V1"].url for name in ("resnet18", "resnet34", "resnet50")
    }


def test_create_model_takes_imagenet_and_none(home, site_packages):
    state = {"0.weight": torch.rand(4, 3, 3, 3), "0.bias": torch.rand(4), "head.weight": torch.ones(1000, 4)}
    save_file(state, home / "published.safetensors")
    source = f"""
from torch import nn
from msde_toolkit.interfaces import Model

class Near(Model):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3))
        self.classifier = nn.Linear(4, classes)

    def pretrained_url(self):
        return {(home / "published.safetensors").as_uri()!r}
"""
    install(site_packages, "msde-near", "1.0", {"msde.models": {"near": "near_model:Near"}}, near_model=source)
    model = create_model("near", weights="imagenet")
    assert torch.equal(model.backbone[0].weight, state["0.weight"])
    assert not torch.equal(create_model("near", weights="none").backbone[0].weight, state["0.weight"])
