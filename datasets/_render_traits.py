"""Who is rendered and how: the random traits of a person and the random conditions of a shot.

Lengths are in half face widths (about 70 mm), measured from the middle between the eyes: x to the
right of the picture, y down, z towards the viewer. Angles are in radians, colours linear RGB.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SKIN = (  # sRGB, from the lightest to the darkest human skin
    (252, 220, 196),
    (241, 197, 163),
    (224, 174, 136),
    (200, 142, 102),
    (160, 105, 71),
    (115, 73, 49),
    (76, 49, 36),
)
HAIR = ((22, 18, 18), (44, 29, 22), (82, 52, 33), (128, 82, 46), (190, 148, 92), (148, 62, 28))
GREY_HAIR = (176, 174, 170)
IRIS = ((52, 32, 20), (84, 54, 30), (104, 92, 52), (78, 104, 82), (84, 120, 154), (112, 122, 130))


@dataclass(frozen=True, eq=False)
class Person:
    """Traits that every shot of one identity shares."""

    top: float  # crown above the eyes
    chin: float  # chin below the eyes
    jaw: float  # exponent of the jaw: large is square
    taper: float  # exponent of the chin: large is pointed
    width: float
    depth: float
    skin: Floats
    tone: float  # 0 light to 1 dark
    ruddy: float
    freckles: float
    age: float
    masculine: float
    gloss: float
    texture: int  # where this person's skin lies in the noise table
    eye_x: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    eye_hood: float
    iris: Floats
    brow_y: float
    brow_thick: float
    brow_arch: float
    brow_tilt: float
    brow_length: float
    brow_dense: float
    nose_length: float
    nose_width: float
    nose_height: float
    nose_bridge: float
    nose_tip: float
    mouth_y: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    lip_bow: float
    lip_red: float
    cheek: float
    ear: float
    hair_style: str
    hair: Floats
    hairline: float
    hair_volume: float
    hair_length: float
    hair_wave: float
    hair_part: float
    fringe: float
    recede: float
    beard: float
    moustache: float
    stubble: float
    beard_length: float
    glasses: float
    glasses_shape: float
    glasses_size: float
    glasses_rim: float
    glasses_colour: Floats


@dataclass(frozen=True, eq=False)
class Shot:
    """What differs between two pictures of one person."""

    yaw: float
    pitch: float
    roll: float
    zoom: float
    shift: Floats
    smile: float
    mouth_open: float
    eye_close: float
    brow_raise: float
    gaze: Floats
    light: Floats  # direction, unit length
    key: Floats
    fill: Floats
    exposure: float
    background: Floats  # colours, (4, 3)
    backdrop: int
    cloth: Floats
    bare: bool  # whether the glasses are off
    scatter: int  # seed of what fills the background


def linear(colour: tuple[int, int, int] | Floats) -> Floats:
    """Turn 8-bit sRGB into linear RGB in [0, 1], by a plain power of 2.2."""
    return np.power(np.asarray(colour, np.float64) / 255, 2.2)


def _blend(table: tuple[tuple[int, int, int], ...], at: float) -> Floats:
    colours = np.array(table, np.float64)
    place = np.clip(at, 0, 1) * (len(table) - 1)
    low = min(int(place), len(table) - 2)
    return colours[low] + (place - low) * (colours[low + 1] - colours[low])


def _hair_style(rng: np.random.Generator, masculine: float, age: float) -> str:
    if masculine > 0.5:
        styles = ("short", "side", "buzz", "fringe", "curly", "bald", "long")
        odds = np.array([0.27, 0.25, 0.14, 0.09, 0.11, 0.02 + 0.16 * age, 0.04])
    else:
        styles = ("long", "bob", "tied", "fringe", "curly", "short", "side")
        odds = np.array([0.32, 0.22, 0.16, 0.05, 0.13, 0.07, 0.05])
    return str(rng.choice(styles, p=odds / odds.sum()))


@lru_cache(maxsize=64)
def person(seed: int, identity: int) -> Person:
    """Draw the traits of one identity."""
    rng = np.random.default_rng([seed, identity, 1])

    def around(mean: float, spread: float) -> float:
        return mean + spread * min(max(rng.standard_normal(), -2.2), 2.2)

    masculine = float(np.clip(rng.choice((0.12, 0.88)) + 0.1 * rng.standard_normal(), 0, 1))
    age = float(rng.beta(1.3, 1.8))
    tone = float(rng.beta(0.95, 1.25))
    skin = _blend(SKIN, tone) * (1 + rng.uniform(-0.06, 0.06, 3))
    style = _hair_style(rng, masculine, age)
    dark = rng.random() < np.clip(1.6 * tone, 0.3, 0.97)
    shade = rng.uniform(0, 0.22) if dark else rng.uniform(0.15, 1)
    grey = np.clip((age - 0.55) * 2.6 + 0.4 * rng.standard_normal(), 0, 1) if age > 0.5 else 0.0
    hair = (1 - grey) * _blend(HAIR, shade) + grey * np.array(GREY_HAIR)
    iris = _blend(IRIS, rng.uniform(0, 0.2) if dark else rng.uniform(0.1, 1))
    bearded = masculine > 0.5 and rng.random() < 0.42
    glasses = rng.random() < 0.12 + 0.16 * age
    rim = rng.choice((0.0, 1.0), p=(0.65, 0.35))
    man = masculine - 0.5
    return Person(
        top=around(1.62, 0.06),
        chin=around(1.47 + 0.08 * man, 0.075),
        jaw=around(3.1 + 0.9 * man, 0.75),
        taper=around(0.55 - 0.08 * man, 0.055),
        width=around(0.97, 0.07),
        depth=around(1.22, 0.05),
        skin=linear(skin),
        tone=tone,
        ruddy=float(rng.uniform(0.1, 1)),
        freckles=float(rng.uniform(0.5, 1)) if tone < 0.3 and rng.random() < 0.16 else 0.0,
        age=age,
        masculine=masculine,
        gloss=float(rng.uniform(0.25, 1)),
        texture=int(rng.integers(1 << 16)),
        eye_x=around(0.465, 0.034),
        eye_width=around(0.25, 0.021),
        eye_open=around(0.096 - 0.016 * man, 0.016),
        eye_tilt=around(0.05 - 0.05 * man, 0.075),
        eye_hood=float(rng.uniform(0, 1)),
        iris=linear(iris),
        brow_y=around(-0.3 + 0.06 * man, 0.042),
        brow_thick=float(np.clip(around(0.052 + 0.032 * man, 0.012), 0.026, 0.09)),
        brow_arch=around(0.06 - 0.04 * man, 0.035),
        brow_tilt=around(0.02, 0.06),
        brow_length=around(0.3, 0.022),
        brow_dense=float(rng.uniform(0.7, 1)),
        nose_length=around(0.6, 0.055),
        nose_width=around(0.2 + 0.045 * tone + 0.02 * man, 0.032),
        nose_height=around(0.34 - 0.05 * tone + 0.03 * man, 0.045),
        nose_bridge=around(0.5 - 0.1 * tone, 0.12),
        nose_tip=around(0.5, 0.2),
        mouth_y=around(0.935, 0.045),
        mouth_width=around(0.4, 0.042),
        lip_upper=float(np.clip(around(0.066 + 0.025 * tone - 0.016 * man, 0.02), 0.028, 0.13)),
        lip_lower=float(np.clip(around(0.095 + 0.03 * tone - 0.016 * man, 0.025), 0.045, 0.17)),
        lip_bow=float(rng.uniform(0.2, 1)),
        lip_red=float(np.clip(around(0.42 - 0.4 * man, 0.2), 0.05, 1)),
        cheek=float(rng.uniform(0.2, 1)),
        ear=around(1, 0.12),
        hair_style=style,
        hair=linear(hair),
        hairline=around(-0.95 + 0.06 * (1 - masculine), 0.07),
        hair_volume=around(0.1, 0.03) + {"curly": 0.14, "buzz": -0.06, "long": 0.03}.get(style, 0),
        hair_length=float(rng.uniform(1.9, 3.2)) if style == "long" else float(rng.uniform(1, 1.6)),
        hair_wave=float(rng.uniform(0, 1)),
        hair_part=float(rng.uniform(-0.45, 0.45)),
        fringe=float(rng.uniform(0.45, 1)) if style == "fringe" else float(rng.uniform(0, 0.25)),
        recede=float(masculine > 0.5) * float(rng.uniform(0, 0.4) * age * 2),
        beard=float(rng.uniform(0.55, 1)) if bearded else 0.0,
        moustache=float(rng.uniform(0.5, 1)) if bearded or (age * man > 0.3) else 0.0,
        stubble=float(rng.uniform(0, 0.6)) * float(masculine > 0.5),
        beard_length=float(rng.uniform(0, 1)),
        glasses=float(glasses),
        glasses_shape=float(rng.uniform(0, 1)),
        glasses_size=float(rng.uniform(0.85, 1.2)),
        glasses_rim=float(rng.uniform(0.012, 0.022) + 0.022 * rim),
        glasses_colour=linear(
            rng.choice(((18, 16, 16), (62, 38, 24), (120, 116, 110), (30, 34, 60)))
        ),
    )


def shot(seed: int, identity: int, number: int) -> Shot:
    """Draw the conditions of one picture of one identity."""
    rng = np.random.default_rng([seed, identity, number, 2])

    def around(spread: float, most: float) -> float:
        return min(max(spread * rng.standard_normal(), -most), most)

    smiling = rng.random() < 0.45
    talking = rng.random() < 0.25
    side = around(0.6, 1.3)
    height = rng.uniform(0.0, 0.8)
    light = np.array([np.sin(side), -height, np.cos(side) * 0.8 + 0.25])
    warmth = rng.uniform(-1, 1)
    tint = np.array([1 + 0.1 * warmth, 1, 1 - 0.16 * warmth])
    key = rng.uniform(0.5, 1.1)
    vivid = 70 if rng.random() < 0.12 else 16
    base = rng.uniform(15, 225) + rng.normal(0, vivid, 3)
    colours = np.clip(base + rng.normal(0, 45, (4, 1)) + rng.normal(0, 14, (4, 3)), 5, 250)
    return Shot(
        yaw=around(0.15, 0.45),
        pitch=around(0.065, 0.2),
        roll=around(0.05, 0.16),
        zoom=float(np.exp(around(0.02, 0.05))),
        shift=np.clip(rng.normal(0, 0.008, 2), -0.02, 0.02),
        smile=float(rng.uniform(0.3, 1)) if smiling else float(rng.uniform(-0.15, 0.2)),
        mouth_open=float(rng.uniform(0.2, 1)) if talking else 0.0,
        eye_close=float(rng.uniform(0.7, 1)) if rng.random() < 0.05 else float(rng.uniform(0, 0.3)),
        brow_raise=float(np.clip(rng.normal(0, 0.4), -0.7, 1)),
        gaze=np.clip(rng.normal(0, (0.1, 0.06)), -0.25, 0.25),
        light=light / np.linalg.norm(light),
        key=key * tint,
        fill=rng.uniform(0.16, 0.45) * (2 - tint),
        exposure=float(rng.uniform(0.85, 1.15)),
        background=linear(colours),
        backdrop=int(rng.integers(5)),
        cloth=linear(np.clip(rng.uniform(5, 235) + rng.normal(0, 30, 3), 3, 245)),
        bare=bool(rng.random() < 0.1),
        scatter=int(rng.integers(1 << 31)),
    )
