"""sockd_pack and sockd_unpack against Python's struct: random formats and values, in both directions.

The seed is printed; SOCKD_TEST_SEED gives another one.
"""
import math
import os
import random
import struct
import subprocess
import sys
import time

CASES = 10000
seed = int(os.environ.get("SOCKD_TEST_SEED") or time.time_ns() % (1 << 32))
rng = random.Random(seed)
print("seed", seed)

INTEGERS = "bBhHiIlLqQnN"
CODES = "xcbB?hHiIlLqQnNefdspP"
SPACES = " \t\n\v\f\r"


def random_format():
    """Mostly a format; sometimes nearly one."""
    order = rng.choice(["", "", "@", "=", "<", ">", "!"])
    text = order
    codes = CODES if order in ("", "@") or rng.random() < 0.03 else CODES.replace("n", "").replace("N", "").replace("P", "")
    for _ in range(rng.choice([0, 1, 1, 2, 3, 4, 5, 8, 12])):
        text += "".join(rng.choice(SPACES) for _ in range(rng.choice([0, 0, 0, 1, 2])))
        code = rng.choice(codes)
        count = rng.choice(["", "", "", "", str(rng.randrange(1, 10)), "0", "00" + str(rng.randrange(1, 5)),
                            str(rng.randrange(300)) if code in "xsp" else ""])
        if code == "p" and count.strip("0") == "" and count:
            count = "1"  # Python writes before the buffer, or cannot read it.
        text += count + code
    spoil = rng.random()
    if spoil < 0.06:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(list("yzaA*-+#\x01\x1c\x7f(<@") + ["3 ", "9", "\x85", "\xe9"]) + text[at:]
    elif spoil < 0.10:
        huge = rng.choice([2 ** 31, 2 ** 32, 2 ** 62, 2 ** 63 - 2, 2 ** 63 - 1, 2 ** 63, 2 ** 64, 2 ** 64 + 4, 10 ** 40])
        text += str(huge) + rng.choice("xxsbhiqd")
    return text


def safe(text):
    """Not what Python itself gets wrong: an empty p."""
    digits = ""
    for c in text:
        if c == "p" and digits and digits.strip("0") == "":
            return False
        digits = digits + c if c.isdigit() else ""
    return True


def items(text):
    """The codes of a good format, one for each value, with the width that counts."""
    native = not (text and text[0] in "=<>!")
    if text and text[0] in "@=<>!":
        text = text[1:]
    found, digits = [], ""
    for c in text:
        if c.isdigit():
            digits += c
            continue
        count = int(digits) if digits else 1
        if c in CODES and c != "x":
            if c in "sp":
                found.append((c, count))
            else:
                found += [(c, struct.calcsize(("@" if native else "=") + c))] * count
        digits = ""
    return found


def bits_double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def random_double():
    kind = rng.randrange(9)
    if kind == 0:
        return rng.choice([0.0, -0.0, math.inf, -math.inf, math.nan, -math.nan, 1.0, -1.5])
    if kind == 1:
        return bits_double(rng.getrandbits(64))
    if kind == 2:  # about the limits of a half
        return rng.choice([65504.0, 65519.99, 65520.0, math.nextafter(65520.0, 0), -65520.0, 65536.0])
    if kind == 3:  # half way between two halves, and beside it
        half = struct.unpack("<e", struct.pack("<H", rng.randrange(0x7bff)))[0]
        following = struct.unpack("<e", struct.pack("<H", struct.unpack("<H", struct.pack("<e", half))[0] + 1))[0]
        middle = (half + following) / 2
        middle = rng.choice([middle, math.nextafter(middle, 0), math.nextafter(middle, math.inf)])
        return rng.choice([middle, -middle])
    if kind == 4:  # half way between two singles
        pattern = rng.randrange(0x7f7fffff)
        low, high = (struct.unpack("<f", struct.pack("<I", pattern + i))[0] for i in (0, 1))
        return (low + high) / 2
    if kind == 5:
        return rng.choice([3.4028235677973362e38, 3.4028235677973366e38, 3.5e38, 1e308, 2.0 ** -25, 2.0 ** -24, 2.0 ** -150, 5e-324])
    return rng.uniform(-1, 1) * 2.0 ** rng.randrange(-30, 20)


def random_integer(width, signed):
    bits = 8 * width
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    choice = rng.random()
    if choice < 0.25:
        value = rng.choice([low, high, 0, 1, -1 if signed else 1, low + 1, high - 1])
    elif choice < 0.30:
        value = rng.choice([low - 1, high + 1, -1, 1 << 63, -(1 << 63), (1 << 64) - 1])
    else:
        value = rng.randint(low, high)
    return max(-(1 << 63), min((1 << 64) - 1, value))


def random_value(code, width):
    if rng.random() < 0.01:
        return rng.choice([1.5, b"xy", True, 7, b""])
    if code == "c":
        return bytes([rng.randrange(256)])
    if code == "?":
        return rng.choice([True, False, 0, 1, -3, 2 ** 40, 0.0, -0.0, 1e-300, math.nan, b"", b"\0"])
    if code in "sp":
        return rng.randbytes(max(0, rng.choice([width, width - 1, width + 1, 0, rng.randrange(300)])))
    if code in "efd":
        return random_double() if rng.random() < 0.9 else random_integer(8, rng.random() < 0.5)
    if code == "P":
        return random_integer(8, rng.random() < 0.5)
    if rng.random() < 0.02:
        return rng.choice([True, False])
    return random_integer(width, code in "bhilqn")


def word(value):
    if value is True or value is False:
        return "t%d" % value
    if isinstance(value, int):
        return "n%d" % value if value >= 1 << 63 or (value >= 0 and rng.random() < 0.5) else "i%d" % value
    if isinstance(value, float):
        return "r" + struct.pack(">d", value).hex()
    return "b" + value.hex()


def error_of(error):
    text = str(error)
    if isinstance(error, OverflowError):
        return "ERANGE"
    if "total struct size too long" in text:
        return "EOVERFLOW"
    if "unpack requires a buffer" in text:
        return "EBADMSG"
    if any(part in text for part in ("bad char", "repeat count", "is not a", "must be", "of length 1", "items for packing")):
        return "EINVAL"
    return "ERANGE"


# From 3.14 on Python refuses what is not ASCII before it has looked at the rest: as good as another bad character.
def python_format(text):
    return bytes(byte if byte < 128 else 1 for byte in text.encode("latin1"))


def python_size(text):
    try:
        return "ok %d" % struct.calcsize(python_format(text))
    except (struct.error, OverflowError) as error:
        return error_of(error)


# Python before 3.14 makes what is too large for a native "f" infinite; later ones refuse it.
def became_infinite(text, values, packed):
    return any(isinstance(after, float) and math.isinf(after) and math.isfinite(before)
               for before, after in zip(values, struct.unpack(python_format(text), packed)))


def may_become_infinite(values):
    return any(isinstance(value, float) and math.isfinite(value) and abs(value) > 3.4e38 for value in values)


def python_pack(text, values):
    try:
        packed = struct.pack(python_format(text), *values)
        return "ERANGE" if became_infinite(text, values, packed) else "ok b" + packed.hex()
    except (struct.error, OverflowError) as error:
        # Which of two errors comes first depends on whether the one is one.
        return "some error" if "f" in text and may_become_infinite(values) else error_of(error)
    except MemoryError:
        return None


def python_unpack(text, data):
    try:
        return struct.unpack(python_format(text), data)
    except (struct.error, OverflowError) as error:
        return error_of(error)


# Where it goes through the registers of an x87 a signalling NaN becomes a quiet one, in Python.
PYTHON_QUIETS = struct.pack("<d", bits_double(0x7ff4000000000000)) != struct.pack("<Q", 0x7ff4000000000000)


def same_value(code, python, ours):
    if code in "efd":
        if ours[0] != "r":
            return False
        value = bits_double(int(ours[1:], 16))
        if math.isnan(python) and (code != "d" or PYTHON_QUIETS):
            return math.isnan(value) and math.copysign(1, value) == math.copysign(1, python)
        return ours == "r" + struct.pack(">d", python).hex()
    if code == "?":
        return ours == "t%d" % python
    if code in "csp":
        return ours == "b" + python.hex()
    return ours == ("i%d" if code in "bhilqn" else "n%d") % python


cases, formats = [], 0
while formats < CASES:
    text = random_format()
    if not safe(text):
        continue
    formats += 1
    hexed = "f" + text.encode("latin1").hex()
    size = python_size(text)
    cases.append(("size", text, None, size, "S " + hexed))
    if size.startswith("ok") and int(size[3:]) > 1 << 20:
        continue
    wanted = items(text) if size.startswith("ok") else []
    if len(wanted) > 4000:
        continue
    values = [random_value(code, width) for code, width in wanted]
    if values and rng.random() < 0.02:
        values = values[:-1] if rng.random() < 0.5 else values + [1]
    cases.append(("pack", text, values, python_pack(text, values), " ".join(["P", hexed] + [word(v) for v in values])))
    length = int(size[3:]) if size.startswith("ok") else rng.randrange(20)
    if rng.random() < 0.03:
        length = max(0, length + rng.choice([-1, 1, 7]))
    data = rng.randbytes(length) if rng.random() < 0.9 else bytes([rng.choice([0, 255])]) * length
    cases.append(("unpack", text, data, python_unpack(text, data), "U %s b%s" % (hexed, data.hex())))

program = os.path.join(os.environ.get("SOCKD_BUILD", "."), "tests/lib/pack-cases")
run = subprocess.run([program], input="".join(case[4] + "\n" for case in cases), stdout=subprocess.PIPE, text=True)
answers = run.stdout.split("\n")[:-1]

failures, counted = 0, {}
if run.returncode != 0 or len(answers) != len(cases):
    print("FAIL the program ends well and answers every case (status %d, %d of %d)" % (run.returncode, len(answers), len(cases)))
    if len(answers) < len(cases):
        print("  it stopped at", cases[len(answers)][:4])
    sys.exit(1)
for (kind, text, material, python, _), answer in zip(cases, answers):
    first = answer.split(" ")[0]
    if python == "some error":
        good = first in ("EINVAL", "ERANGE")
    elif isinstance(python, str) and not python.startswith("ok"):
        good = first == python and len(answer) > len(first) + 5
    elif kind == "size":
        good = answer.startswith(python + " ") and (len(items(text)) if int(python[3:]) < 1 << 20 else int(answer.split(" ")[2])) == int(answer.split(" ")[2])
    elif kind == "pack":
        good = answer == python
    else:
        ours = answer.split(" ")[1:]
        codes = [code for code, _ in items(text)]
        good = first == "ok" and len(ours) == len(python) == len(codes) and all(map(same_value, codes, python, ours))
    key = kind, first
    counted[key] = counted.get(key, 0) + 1
    if not good:
        failures += 1
        if failures <= 10:
            print("differs: %s %r %r\n  Python: %r\n  sockd:  %s" % (kind, text, material, python, answer))

for key in sorted(counted):
    print(counted[key], *key)
# That the cases are what they are meant to be: most go well, and each error is there often.
for kind, errors in (("size", ("EINVAL", "EOVERFLOW")), ("pack", ("EINVAL", "ERANGE", "EOVERFLOW")),
                     ("unpack", ("EINVAL", "EBADMSG", "EOVERFLOW"))):
    enough = counted.get((kind, "ok"), 0) > CASES // 3 and all(counted.get((kind, error), 0) > 20 for error in errors)
    print("ok" if enough else "FAIL", "%s: enough cases of each kind" % kind)
    failures += not enough
print("ok" if failures == 0 else "FAIL", "%d formats, %d cases: the same as Python %s (seed %d)"
      % (formats, len(cases), sys.version.split()[0], seed))
sys.exit(failures != 0)
