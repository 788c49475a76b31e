import torch
from torch import Tensor

from facesr.methods._nets.stylegan2 import channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator, spread_of_groups

WIDTHS = channels_of(32, width=1 / 64)


def test_names_and_numbers_are_those_of_the_published_files() -> None:
    with torch.device("meta"):
        large, larger = Discriminator(channels_of(256)), Discriminator(channels_of(1024))
    count = sum(p.numel() for p in large.parameters())
    assert Discriminator.__doc__
    assert f"{count:,} parameters" in Discriminator.__doc__
    assert (len(large.state_dict()), len(larger.state_dict())) == (50, 64)
    shapes = {name: tuple(x.shape) for name, x in large.state_dict().items()}
    assert shapes["convs.0.0.weight"] == (128, 3, 1, 1)
    assert shapes["convs.1.conv1.0.weight"] == (128, 128, 3, 3)
    assert shapes["convs.1.conv2.0.kernel"] == (4, 4)
    assert shapes["convs.1.conv2.1.weight"] == (256, 128, 3, 3)
    assert shapes["convs.1.conv2.2.bias"] == (256,)
    assert shapes["convs.1.skip.1.weight"] == (256, 128, 1, 1)
    assert shapes["final_conv.0.weight"] == (512, 513, 3, 3)
    assert shapes["final_linear.0.weight"] == (512, 8192)
    assert shapes["final_linear.1.weight"] == (1, 512)


def test_the_spread_of_a_group_by_hand() -> None:
    x = torch.zeros(8, 1, 1, 1)
    x[[0, 2, 4, 6]] = torch.tensor([1.0, -1.0, 1.0, -1.0])[:, None, None, None]
    added = spread_of_groups(x)[:, 1, 0, 0]  # images 0, 2, 4, 6 are one group, 1, 3, 5, 7 another
    assert torch.allclose(added, torch.tensor([1.0, 1e-4] * 4), atol=1e-6)


def test_any_number_of_images_is_judged() -> None:
    net = Discriminator(WIDTHS)
    for n in (1, 2, 3, 5, 6, 7):
        assert net(torch.randn(n, 3, 32, 32)).shape == (n, 1)


def test_features_come_from_every_level_and_from_one_image_alone() -> None:
    net, images = Discriminator(WIDTHS), torch.randn(4, 3, 32, 32)

    def sides(found: list[Tensor]) -> list[int]:
        return [x.shape[-1] for x in found]

    together, alone = net.features(images), net.features(images[1:2])
    assert sides(together) == [16, 8, 4]
    for x, y in zip(together, alone, strict=True):
        assert torch.allclose(x[1:2], y, atol=1e-5)
