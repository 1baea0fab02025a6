/* Loops that make a direction's numbers on a CPU and add them to float32 weights in one pass.

   The integers are Philox4x64-10's (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the numbers
   the table's or the bits': those of philox.py and distributions.py, bit for bit. Every sum is a fused multiplication and
   addition, as torch's are on a processor that has them.

   The functions' names end in a number, to be raised whenever what they are given or write changes: Python then does not
   find them in a library that was compiled before, and does without. */

#include <math.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "an integer's pieces would lie the other way round"
#endif

/* One copy of a loop for each generation of processors, chosen when the library is loaded, where the compiler can. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && __GNUC__ >= 12
#define EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EACH_PROCESSOR
#endif
#define WITHIN static inline __attribute__((always_inline))

/* Integers made at once: they and the weights that they move fit a core's first cache. */
#define WORDS 2048

/* Scattered places that memory is asked for while earlier ones are written: about two hundred cycles' work. */
#define AHEAD 64

typedef union {
    uint64_t words[WORDS];
    uint32_t halves[2 * WORDS];
    uint16_t pieces[4 * WORDS];
} integers_t;

/* Consecutive numbers of a tensor's direction, and where they are written. */
typedef struct {
    float *out;
    const float *base; /* null where numbers are written as they are */
    const void *steps; /* from each number's place to the next one's; null where they go one after the other */
    int64_t width;     /* bytes of a step */
    int64_t place;     /* of the number before */
    int64_t size;      /* how many numbers there are */
    int64_t start;     /* which of the tensor's the first is */
    int64_t tensor;    /* whose key and alpha are theirs */
} stretch_t;

typedef struct {
    float *out;
    const float *base;
    const void *steps;
    int64_t width, place, size;
    float alpha, decay, coefficient, back;
    int64_t ahead; /* the last place asked for */
} target_t;

/* Write the integers of some blocks in the stream's order, four a block. */
WITHIN void make_words(uint64_t *words, int64_t num_blocks, uint64_t low, uint64_t high, uint64_t first_block)
{
    for (int64_t block = 0; block < num_blocks; block++) {
        uint64_t x0 = first_block + (uint64_t)block + 1, x1 = 0, x2 = 0, x3 = 0, key_0 = low, key_1 = high;
        for (int round = 0; round < 10; round++) {
            unsigned __int128 product_0 = (unsigned __int128)x0 * 0xD2E7470EE14C6C93u;
            unsigned __int128 product_1 = (unsigned __int128)x2 * 0xCA5A826395121157u;
            x0 = (uint64_t)(product_1 >> 64) ^ x1 ^ key_0;
            x1 = (uint64_t)product_1;
            x2 = (uint64_t)(product_0 >> 64) ^ x3 ^ key_1;
            x3 = (uint64_t)product_0;
            key_0 += 0x9E3779B97F4A7C15u;
            key_1 += 0xBB67AE8584CAA73Bu;
        }
        words[4 * block] = x0;
        words[4 * block + 1] = x1;
        words[4 * block + 2] = x2;
        words[4 * block + 3] = x3;
    }
}

/* Return how far a number's place is from that of the number before. */
WITHIN uint64_t step_to(const target_t *to, int64_t number)
{
    switch (to->width) {
    case 1:
        return ((const uint8_t *)to->steps)[number];
    case 2:
        return ((const uint16_t *)to->steps)[number];
    case 4:
        return ((const uint32_t *)to->steps)[number];
    default:
        return ((const uint64_t *)to->steps)[number];
    }
}

/* Ask for the place that the next number but AHEAD will be written to. */
WITHIN void ask_ahead(target_t *to, int64_t number)
{
    if (number + AHEAD < to->size) {
        to->ahead += (int64_t)step_to(to, number + AHEAD);
        __builtin_prefetch(to->out + to->ahead, 1);
    }
}

/* Ask for the first places. */
WITHIN void ask_first(target_t *to)
{
    if (to->steps)
        for (int64_t number = -AHEAD; number < 0; number++)
            ask_ahead(to, number);
}

/* Write the next number where it belongs, added to its base where there is one: to what lies there if that is the same,
   which is moved along the number first. */
WITHIN void put(target_t *to, int64_t number, float z)
{
    int64_t place = number;
    if (to->steps) {
        place = to->place += (int64_t)step_to(to, number);
        ask_ahead(to, number);
    }
    float update = z * to->coefficient;
    if (to->base) {
        float theta = to->base[to->base == to->out ? place : number];
        if (to->back != 0)
            theta = fmaf(z, to->back, theta);
        if (to->decay != 0)
            update = fmaf(theta, to->decay, update);
        update = fmaf(update, to->alpha, theta);
    }
    to->out[place] = update;
}

WITHIN void normal_loop(target_t to, int64_t start, uint64_t low, uint64_t high, float scale, const float *table)
{
    integers_t made;
    ask_first(&to);
    for (int64_t begin = 0; begin < to.size; begin += 4 * WORDS) {
        int64_t count = to.size - begin < 4 * WORDS ? to.size - begin : 4 * WORDS;
        make_words(made.words, (count + 15) / 16, low, high, (uint64_t)(start + begin) / 16);
#pragma GCC ivdep
        for (int64_t i = 0; i < count; i++)
            put(&to, begin + i, table[made.pieces[i]] * scale);
    }
}

/* Return a number where a bit is set, and its negative where it is not, without a branch. */
WITHIN float signed_by(uint32_t bits, int bit, float unit)
{
    union {
        float number;
        uint32_t bits;
    } z = {unit};
    z.bits ^= (~bits >> bit & 1) << 31;
    return z.number;
}

WITHIN void signs_loop(target_t to, int64_t start, uint64_t low, uint64_t high, float scale)
{
    integers_t made;
    ask_first(&to);
    for (int64_t begin = 0; begin < to.size; begin += 64 * WORDS) {
        int64_t count = to.size - begin < 64 * WORDS ? to.size - begin : 64 * WORDS;
        make_words(made.words, (count + 255) / 256, low, high, (uint64_t)(start + begin) / 256);
        for (int64_t half = 0; half < count / 32; half++) {
            uint32_t bits = made.halves[half];
#pragma GCC ivdep
            for (int i = 0; i < 32; i++)
                put(&to, begin + 32 * half + i, signed_by(bits, i, scale));
        }
        for (int64_t i = count / 32 * 32; i < count; i++)
            put(&to, begin + i, signed_by(made.halves[i / 32], i % 32, scale));
    }
}

/* What a loop asks of its target is the same for all numbers: one copy of the loop for each answer. */
#define FOR_EACH_TARGET(loop, back, coefficient, ...)                                                                  \
    if (!to->base)                                                                                                     \
        loop((target_t){to->out, 0, 0, 0, 0, to->size, 0, 0, coefficient, 0, 0}, __VA_ARGS__);                         \
    else if (!to->steps && decay == 0)                                                                                 \
        loop((target_t){to->out, to->base, 0, 0, 0, to->size, alpha, 0, coefficient, back, 0}, __VA_ARGS__);           \
    else if (!to->steps)                                                                                               \
        loop((target_t){to->out, to->base, 0, 0, 0, to->size, alpha, decay, coefficient, back, 0}, __VA_ARGS__);       \
    else if (to->width == 1)                                                                                           \
        loop((target_t){to->out, to->base, to->steps, 1, to->place, to->size, alpha, decay, coefficient, back,         \
                        to->place},                                                                                    \
             __VA_ARGS__);                                                                                             \
    else if (to->width == 2)                                                                                           \
        loop((target_t){to->out, to->base, to->steps, 2, to->place, to->size, alpha, decay, coefficient, back,         \
                        to->place},                                                                                    \
             __VA_ARGS__);                                                                                             \
    else                                                                                                               \
        loop((target_t){to->out, to->base, to->steps, to->width, to->place, to->size, alpha, decay, coefficient, back, \
                        to->place},                                                                                    \
             __VA_ARGS__)

/* Go through the stretches, all of them or those that no other thread has taken. */
#define FOR_EACH_STRETCH(plain, returning)                                                                             \
    for (int64_t i = next ? __atomic_fetch_add(next, 1, __ATOMIC_RELAXED) : 0; i < count;                              \
         i = next ? __atomic_fetch_add(next, 1, __ATOMIC_RELAXED) : i + 1) {                                           \
        const stretch_t *to = stretches + i;                                                                           \
        uint64_t low = keys[2 * to->tensor], high = keys[2 * to->tensor + 1];                                          \
        float alpha = alphas[to->tensor];                                                                              \
        if (back == 0) {                                                                                               \
            plain;                                                                                                     \
        } else {                                                                                                       \
            returning;                                                                                                 \
        }                                                                                                              \
    }

/* Write normal numbers, 16 bits each. */
EACH_PROCESSOR void write_normal_3(const stretch_t *stretches, int64_t count, int64_t *next, const uint64_t *keys,
                                 const float *alphas, float decay, float back, float scale, float coefficient,
                                 const float *table)
{
    FOR_EACH_STRETCH(FOR_EACH_TARGET(normal_loop, 0, coefficient, to->start, low, high, scale, table),
                     FOR_EACH_TARGET(normal_loop, back, coefficient, to->start, low, high, scale, table))
}

/* Write signs, one bit each, an integer's low bits first. */
EACH_PROCESSOR void write_signs_3(const stretch_t *stretches, int64_t count, int64_t *next, const uint64_t *keys,
                                const float *alphas, float decay, float back, float scale, float coefficient)
{
    FOR_EACH_STRETCH(FOR_EACH_TARGET(signs_loop, 0, 1, to->start, low, high, scale * coefficient),
                     FOR_EACH_TARGET(signs_loop, back, coefficient, to->start, low, high, scale))
}
