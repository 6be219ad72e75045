"""Photos as they are kept where nobody needs the original: the pixels, in a size that a slow network carries."""

from __future__ import annotations

import io

from PIL import Image, ImageOps


def drawn(data: bytes, size: int = 1600) -> bytes:
    """JPEG of `size` pixels at most, without EXIF, place or thumbnail. Raises OSError for what is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            turned = ImageOps.exif_transpose(picture).convert("RGB")
    except (ValueError, Image.DecompressionBombError) as error:
        raise OSError(str(error)) from error
    turned.thumbnail((size, size))
    made = io.BytesIO()
    turned.save(made, "JPEG", quality=80)
    return made.getvalue()
