/* The networks that judge blocks and spans: see `pipeline.ingest.judge` and `phrase_model`. */
#include "kernels.h"

/* Networks of one or two hidden layers (ReLU) side by side. Units of the first layer, of all networks, are summed `AT_ONCE`: they
 * stay in registers. A feature that is 0, as most are, costs nothing: what zeros add is in `bias` already. */
enum { AT_ONCE = 64, PART = 16 };

/* Rows of features whose sums are made together, so that the weights of a few units stay in the nearest cache. */
enum { ROWS = 16 };

struct Networks {
    const float *mean, *scale; /* of each feature; one by its standard deviation */
    const float *zero;         /* what 0 is, once it is scaled */
    const float *first;        /* shape (width / AT_ONCE, n_features, AT_ONCE) */
    const float *bias;         /* width */
    const float *second, *second_bias; /* shapes (n_networks, n_units, n_inner), (n_networks, n_inner) */
    const float *out, *out_bias;       /* shapes (n_networks, n_inner or n_units), (n_networks) */
    int64_t n_features, n_networks, n_units, n_inner; /* n_inner: a multiple of PART; of one hidden layer, 0 */
    int64_t width;                                    /* units of all networks, and some for good measure */
    float far; /* standard deviations at which a feature is held */
};

typedef struct {
    int32_t at; /* where the weights of the feature, or of the unit, begin */
    float value;
} Input;

/* The two sums that cost. Told twice, for wider registers where the processor has them; the answers are the same: each
 * unit is summed by itself, in one order, unfused. */
#define SUMS(how, add_inputs, add_units)                                                                               \
    how static void add_inputs(float *restrict sums, const float *restrict weights, const Input *restrict inputs,      \
                               int64_t count) {                                                                        \
        float units[AT_ONCE];                                                                                          \
        memcpy(units, sums, sizeof units);                                                                             \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const float *of = weights + inputs[i].at, value = inputs[i].value;                                         \
            for (int k = 0; k < AT_ONCE; k++) units[k] += value * of[k];                                               \
        }                                                                                                              \
        memcpy(sums, units, sizeof units);                                                                             \
    }                                                                                                                  \
                                                                                                                       \
    /* Units that are on, of one network, into its inner ones, `PART` at a time. */                                    \
    how static void add_units(float *restrict deep, const float *restrict weights, const Input *restrict on,           \
                              int64_t count, int64_t n_inner) {                                                        \
        for (int64_t part = 0; part < n_inner; part += PART) {                                                         \
            float sums[PART];                                                                                          \
            memcpy(sums, deep + part, sizeof sums);                                                                    \
            for (int64_t i = 0; i < count; i++) {                                                                      \
                const float *of = weights + on[i].at + part, value = on[i].value;                                      \
                for (int k = 0; k < PART; k++) sums[k] += value * of[k];                                               \
            }                                                                                                          \
            memcpy(deep + part, sums, sizeof sums);                                                                    \
        }                                                                                                              \
    }

SUMS(, add_inputs, add_units)

#if defined(__x86_64__)
#include <cpuid.h>
SUMS(__attribute__((target("avx2"))), add_inputs_wide, add_units_wide)

static bool wide;

/* Asked once: to a virtual machine the question costs as much as a page's networks. */
__attribute__((constructor)) static void find_width(void) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    wide = (low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}
#else
static const bool wide = false;
#define add_inputs_wide add_inputs
#define add_units_wide add_units
#endif

/* The features of a row that are not 0, scaled. */
static int64_t find_inputs(const Networks *networks, const float *values, Input *inputs) {
    int64_t count = 0;
    for (int64_t f = 0; f < networks->n_features; f++) {
        inputs[count].at = (int32_t)f;
        count += values[f] != 0;
    }
    for (int64_t i = 0; i < count; i++) {
        int32_t f = inputs[i].at;
        float value = (values[f] - networks->mean[f]) * networks->scale[f];
        value = value < -networks->far ? -networks->far : value > networks->far ? networks->far : value;
        inputs[i] = (Input){f * AT_ONCE, value - networks->zero[f]};
    }
    return count;
}

/* The sum of the networks' log odds, from the units of the first layer. */
static double sum_odds(const Networks *networks, const float *units, float *deep, Input *on) {
    int64_t n_units = networks->n_units, inner = networks->n_inner, size = inner ? inner : n_units;
    double sum = 0;
    for (int64_t network = 0; network < networks->n_networks; network++) {
        const float *own = units + network * n_units, *last = inner ? deep : own;
        if (inner) {
            int64_t count = 0;
            for (int64_t k = 0; k < n_units; k++) {
                on[count] = (Input){(int32_t)(k * inner), own[k]};
                count += own[k] > 0;
            }
            memcpy(deep, networks->second_bias + network * inner, (size_t)inner * sizeof *deep);
            const float *weights = networks->second + network * n_units * inner;
            (wide ? add_units_wide : add_units)(deep, weights, on, count, inner);
        }
        float told = networks->out_bias[network];
        for (int64_t i = 0; i < size; i++) told += (last[i] > 0 ? last[i] : 0) * networks->out[network * size + i];
        sum += told;
    }
    return sum;
}

/* The mean log odds of each row, shape (n_rows). */
EXPORT int64_t tw_judge(const Networks *networks, const float *features, int64_t n_rows, double *odds) {
    int64_t width = networks->width, n_inputs = max64(networks->n_features, networks->n_units);
    float *units = malloc((size_t)(ROWS * width + networks->n_inner) * sizeof *units), *deep = units + ROWS * width;
    Input *inputs = malloc((size_t)(ROWS * n_inputs) * sizeof *inputs);
    if (!units || !inputs) {
        free(units), free(inputs);
        return NO_MEMORY;
    }
    for (int64_t row = 0; row < n_rows; row += ROWS) {
        int64_t rows = min64(ROWS, n_rows - row), count[ROWS];
        for (int64_t r = 0; r < rows; r++) {
            count[r] = find_inputs(networks, features + (row + r) * networks->n_features, inputs + r * n_inputs);
            memcpy(units + r * width, networks->bias, (size_t)width * sizeof *units);
        }
        for (int64_t part = 0; part < width; part += AT_ONCE)
            for (int64_t r = 0; r < rows; r++)
                (wide ? add_inputs_wide : add_inputs)(units + r * width + part, networks->first + part * networks->n_features,
                                                      inputs + r * n_inputs, count[r]);
        for (int64_t r = 0; r < rows; r++)
            odds[row + r] = sum_odds(networks, units + r * width, deep, inputs) / (double)networks->n_networks;
    }
    free(units), free(inputs);
    return 0;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_networks = sizeof(Networks);
