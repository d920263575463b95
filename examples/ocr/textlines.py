"""Renders lines and pages of text, as input for the PP-OCRv4 models, and reads
back what the recognition model answers."""
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FOLDERS = ["/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/truetype/liberation"]
WORDS = """time year people way day man thing woman life child world school state family student group country problem
hand part place case week company system program question work government number night point home water room mother area
money story fact month lot right study book eye job word business issue side kind head house service friend father power
hour game line end member law car city community name president team minute idea body information back parent face others
level office door health person art war history party result change morning reason research girl guy moment air teacher
force education Invoice Receipt Total Amount Street Market River Bridge Garden Kitchen Library Station Platform Ticket
compiler integer rounding arithmetic network kernel""".split()


def fonts():
    found = [os.path.join(d, f) for d in FOLDERS if os.path.isdir(d) for f in sorted(os.listdir(d)) if f.endswith(".ttf")]
    if not found:
        raise SystemExit("no TrueType fonts found: install fonts-dejavu")
    return [f for f in found if "Math" not in f]


def random_text(rng):
    """A word or two, a number, a date, a price or a code."""
    word = lambda: WORDS[rng.integers(len(WORDS))]
    kind = rng.integers(7)
    if kind <= 1:
        return word() + " " + word() if rng.random() < 0.5 else word()
    if kind == 2:
        return "".join(str(d) for d in rng.integers(0, 10, rng.integers(3, 12)))
    if kind == 3:
        return f"{rng.integers(1990, 2040)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    if kind == 4:
        return f"${rng.integers(1, 9999)}.{rng.integers(0, 100):02d}"
    if kind == 5:
        return "".join(rng.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), rng.integers(5, 11)))
    return word().capitalize() + " " + str(rng.integers(1, 1000))


def colours(rng):
    """A background and a foreground that contrasts with it."""
    back = rng.integers(180, 256, 3) if rng.random() < 0.7 else rng.integers(0, 256, 3)
    contrast = rng.uniform(60, 220)
    fore = np.clip(back + (contrast if back.mean() < 110 else -contrast) + rng.normal(0, 10, 3), 0, 255)
    return tuple(int(v) for v in back), tuple(int(v) for v in fore)


def normalized(image):
    """u8 [h,w,3] -> f32 [3,h,w] in -1…1, as the models were trained."""
    return ((np.asarray(image, np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)


def line(rng, text, font, height=48, limit=320):
    """An image of one line of text, slightly tilted, blurred and noisy, `height` high."""
    f = ImageFont.truetype(font, int(rng.integers(28, 48)))
    x0, y0, x1, y1 = f.getbbox(text)
    back, fore = colours(rng)
    px, py, margin = int(rng.integers(3, 10)), int(rng.integers(3, 9)), 10
    w, h = x1 - x0 + 2 * px, y1 - y0 + 2 * py
    image = Image.new("RGB", (w + 2 * margin, h + 2 * margin), back)
    ImageDraw.Draw(image).text((margin + px - x0, margin + py - y0), text, font=f, fill=fore)
    image = image.rotate(float(rng.uniform(-2, 2)), Image.BICUBIC, fillcolor=back)
    image = image.crop((margin, margin, margin + w, margin + h))
    image = image.resize((min(limit, -(-w * height // h)), height), Image.BILINEAR)
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    noisy = np.asarray(image, np.float32) + rng.normal(0, rng.uniform(0, 14), (height, image.width, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def batch(rng, n, height=48, width=320):
    """n lines as f32 [n,3,height,width], zero to the right of the text; and the texts."""
    x, texts, files = np.zeros((n, 3, height, width), np.float32), [], fonts()
    for i in range(n):
        text = random_text(rng)
        image = line(rng, text, files[rng.integers(len(files))], height, width)
        x[i, :, :, : image.width] = normalized(image)
        texts.append(text)
    return x, texts


def pages(rng, n, height, width):
    """n pages with scattered lines, f32 [n,3,height,width], for the detection model."""
    x, files = np.zeros((n, 3, height, width), np.float32), fonts()
    for i in range(n):
        back, _ = colours(rng)
        image = Image.new("RGB", (width, height), back)
        draw = ImageDraw.Draw(image)
        y = int(rng.integers(4, 20))
        while y < height - 20:
            f = ImageFont.truetype(files[rng.integers(len(files))], int(rng.integers(12, 40)))
            shade = rng.integers(60, 200)
            fore = tuple(int(np.clip(v + (shade if sum(back) < 330 else -shade), 0, 255)) for v in back)
            draw.text((int(rng.integers(2, width // 2)), y), random_text(rng), font=f, fill=fore)
            y += int(f.size * rng.uniform(1.3, 2.5))
        noisy = np.asarray(image, np.float32) + rng.normal(0, rng.uniform(0, 10), (height, width, 3))
        x[i] = normalized(np.clip(noisy, 0, 255))
    return x


def charset(model):
    """The recognition model's alphabet, kept in its metadata: blank first, space last."""
    import onnx

    for entry in onnx.load(model).metadata_props:
        if entry.key == "character":
            return [""] + entry.value.splitlines() + [" "]
    raise SystemExit(f"{model} has no 'character' metadata")


def decode(scores, alphabet):
    """Greedy CTC: scores [n,steps,classes] -> n texts."""
    texts = []
    for row in np.asarray(scores).argmax(-1):
        texts.append("".join(alphabet[c] for i, c in enumerate(row) if c and (i == 0 or row[i - 1] != c)))
    return texts
