import pytest
import torch
from torch import Tensor

from facesr.methods._nets.flow import Degrader, disturbance, smoothness, warp


def shift(n: int, size: int, dx: float, dy: float) -> Tensor:
    return torch.tensor([float(dx), float(dy)]).view(1, 2, 1, 1).expand(n, 2, size, size)


def trained_a_little(flow: bool = True) -> Degrader:
    """Build a network whose heads are not zero."""
    torch.manual_seed(0)
    net = Degrader(0.125, flow)
    for name, p in net.named_parameters():
        if name.startswith(("image", "flow")):
            torch.nn.init.normal_(p, std=0.05)
    return net


@pytest.mark.parametrize("size", [16, 15, 32])
def test_no_flow_changes_nothing(size: int) -> None:
    images = torch.rand(2, 3, size, size)
    assert torch.allclose(warp(images, torch.zeros(2, 2, size, size)), images, atol=1e-5)


def test_a_flow_of_whole_pixels_moves_the_picture_right_and_down() -> None:
    images = torch.rand(2, 3, 16, 16)
    moved = warp(images, shift(2, 16, 3, 1))
    assert torch.allclose(moved[..., 1:, 3:], images[..., :-1, :-3], atol=1e-5)
    back = warp(images, shift(2, 16, -2, 0))
    assert torch.allclose(back[..., :-2], images[..., 2:], atol=1e-5)


def test_a_flow_of_a_part_of_a_pixel_is_linear_between_two() -> None:
    images = torch.rand(1, 3, 16, 16)
    moved = warp(images, shift(1, 16, 0.25, 0))
    expected = 0.75 * images[..., 1:] + 0.25 * images[..., :-1]
    assert torch.allclose(moved[..., 1:], expected, atol=1e-5)


def test_beyond_the_border_a_picture_goes_on_as_its_border() -> None:
    images = torch.rand(1, 3, 8, 8)
    moved = warp(images, shift(1, 8, 5, 0))
    assert torch.allclose(moved[..., :5], images[..., :1].expand(-1, -1, -1, 5), atol=1e-5)


def test_each_pixel_follows_its_own_flow() -> None:
    images = torch.arange(8.0).expand(1, 1, 8, 8).contiguous()  # as bright as far right
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0, 2, 4] = 1.5
    moved = warp(images, flow)
    assert moved[0, 0, 2, 4].item() == pytest.approx(2.5, abs=1e-4)
    assert moved[0, 0, 3, 4].item() == pytest.approx(4, abs=1e-4)


def test_a_constant_flow_is_perfectly_smooth() -> None:
    assert smoothness(shift(3, 16, 2, -7)).item() == 0


def test_smoothness_by_hand() -> None:
    ramp = torch.zeros(1, 2, 4, 4)
    ramp[:, 0] = torch.arange(4.0)  # 1 across in one of two channels: 0.5 on average
    ramp[:, 1] = 3 * torch.arange(4.0)[:, None]  # 3 down in one of two: 1.5
    assert smoothness(ramp).item() == pytest.approx(2.0)


def test_an_untrained_network_changes_nothing() -> None:
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    made = Degrader(0.125)(lr)
    assert made.flow is not None
    assert made.flow.abs().max() == 0
    assert torch.allclose(made.lr, lr, atol=1e-5)
    assert torch.equal(made.image, lr)


def test_the_result_is_the_image_warped_by_the_flow() -> None:
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    made = trained_a_little()(lr)
    assert made.flow is not None
    assert made.flow.shape == (2, 2, 16, 16)
    assert made.flow.abs().max() > 0.01
    assert torch.equal(made.lr, warp(made.image, made.flow))


def test_without_a_flow_the_image_is_the_result() -> None:
    made = trained_a_little(flow=False)(torch.rand(2, 3, 16, 16))
    assert made.flow is None
    assert made.lr is made.image


def test_a_disturbance_is_added_to_the_flow_and_leaves_the_image() -> None:
    net, lr = trained_a_little(), torch.rand(2, 3, 16, 16)
    added = disturbance(2, 16, 1.0, torch.Generator().manual_seed(0))
    plain, disturbed = net(lr), net(lr, added)
    assert torch.equal(disturbed.image, plain.image)
    assert torch.allclose(disturbed.flow - plain.flow, added, atol=1e-6)


def test_disturbances_are_smooth_and_as_strong_as_asked() -> None:
    field = disturbance(200, 16, 2.0, torch.Generator().manual_seed(0))
    assert field[..., 0, 0].std().item() == pytest.approx(2.0, rel=0.15)
    assert (field[..., 1:] - field[..., :-1]).abs().mean() < 0.5 * 2.0
    again = disturbance(200, 16, 2.0, torch.Generator().manual_seed(0))
    assert torch.equal(field, again)
    assert disturbance(2, 16, 0.0, torch.Generator()).abs().max() == 0


@pytest.mark.parametrize("flow", [True, False])
def test_the_docstring_gives_the_number_of_parameters(flow: bool) -> None:
    count = sum(p.numel() for p in Degrader(flow=flow).parameters())
    assert Degrader.__doc__
    assert f"{count:,}" in Degrader.__doc__
