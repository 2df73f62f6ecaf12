"""ML-KEM-768 key generation from a seed (FIPS 203, algorithms 13 and 16), after its
text and for nothing but test vectors: slow, and not in constant time. It is
here because the libraries at hand keep seeds only, while signet-hybrid-1 keeps the
expanded key.
"""

import hashlib

Q = 3329
K = 3


def _reversed_bits(number):
    return int(f"{number:07b}"[::-1], 2)


ZETAS = [pow(17, _reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reversed_bits(i) + 1, Q) for i in range(128)]


def _ntt(polynomial):
    f, i, length = list(polynomial), 1, 128
    while length >= 2:
        for start in range(0, 256, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j], f[j + length] = (f[j] + t) % Q, (f[j] - t) % Q
            i += 1
        length //= 2
    return f


def _multiply(a, b):
    product = []
    for i, gamma in enumerate(GAMMAS):
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        product += [(a0 * b0 + a1 * b1 * gamma) % Q, (a0 * b1 + a1 * b0) % Q]
    return product


def _sample_ntt(seed):
    stream, numbers = hashlib.shake_128(seed).digest(3 * 600), []
    for i in range(0, len(stream), 3):
        one = stream[i] + 256 * (stream[i + 1] % 16)
        two = stream[i + 1] // 16 + 16 * stream[i + 2]
        numbers += [number for number in (one, two) if number < Q]
    return numbers[:256]


def _sample_noise(seed):
    stream = hashlib.shake_256(seed).digest(128)
    bits = [byte >> place & 1 for byte in stream for place in range(8)]
    quads = (bits[i : i + 4] for i in range(0, 1024, 4))
    return [(a + b - c - d) % Q for a, b, c, d in quads]


def _encode(polynomial):
    number = sum(value << 12 * place for place, value in enumerate(polynomial))
    return number.to_bytes(384, "little")


def expand(seed):
    """The decapsulation key (2400 bytes) of a seed `d ‖ z` (64 bytes)."""
    d, z = seed[:32], seed[32:]
    hashed = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = hashed[:32], hashed[32:]
    noise = [_ntt(_sample_noise(sigma + bytes([i]))) for i in range(2 * K)]
    public = b""
    for row in range(K):
        sums = noise[K + row]
        for column in range(K):
            product = _multiply(_sample_ntt(rho + bytes([column, row])), noise[column])
            sums = [(a + b) % Q for a, b in zip(sums, product)]
        public += _encode(sums)
    public += rho
    private = b"".join(_encode(secret) for secret in noise[:K])
    return private + public + hashlib.sha3_256(public).digest() + z
