"""Sound files as Asterisk plays them: 8,000 samples a second, 16 bits, one channel."""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path

RATE = 8_000


def telephone_quality(file: Path) -> None:
    """Rewrites a WAV file of 16 bits and one channel at 8 kHz; any other stays as it is. Raises ValueError, OSError."""
    with file.open("rb") as opened:
        begins = opened.read(4)
    if not begins:
        raise ValueError("the command wrote nothing")
    if begins != b"RIFF":
        return
    try:
        with wave.open(str(file), "rb") as sound:
            rate, width, channels = sound.getframerate(), sound.getsampwidth(), sound.getnchannels()
            raw = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(str(error)) from None
    if (rate, width, channels) == (RATE, 2, 1):
        return
    if width != 2 or channels != 1:
        raise ValueError("the command must write 16 bits and one channel")
    samples = array("h")
    samples.frombytes(raw[: len(raw) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    telephone = resampled(samples, rate, RATE)
    if sys.byteorder == "big":
        telephone.byteswap()
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(telephone.tobytes())


def resampled(samples: array[int], rate: int, wanted: int) -> array[int]:
    """Each new sample is the mean of the old ones it stands for, which keeps what is too high out of the telephone."""
    count = len(samples) * wanted // rate
    sums = [0]
    for sample in samples:
        sums.append(sums[-1] + sample)
    found = array("h", bytes(2 * count))
    for place in range(count):
        start = place * rate // wanted
        end = max(start + 1, (place + 1) * rate // wanted)
        found[place] = (sums[end] - sums[start]) // (end - start)
    return found
