/* The networks that judge blocks and spans: see `pipeline.ingest.judge` and `phrase_model`. */
#include "kernels.h"

/* Networks of one or two hidden layers (ReLU) side by side. Units of the first layer, of all networks, are summed `AT_ONCE`: they
 * stay in registers. A feature that is 0, as most are, costs nothing: what zeros add is in `bias` already. */
enum { AT_ONCE = 32 };

typedef struct {
    const float *mean, *scale; /* of each feature; one by its standard deviation */
    const float *zero;         /* what 0 is, once it is scaled */
    const float *first;        /* shape (width / AT_ONCE, n_features, AT_ONCE) */
    const float *bias;         /* width */
    const float *second, *second_bias; /* shapes (n_networks, n_units, n_inner), (n_networks, n_inner) */
    const float *out, *out_bias;       /* shapes (n_networks, n_inner or n_units), (n_networks) */
    int64_t n_features, n_networks, n_units, n_inner; /* of one hidden layer: n_inner is 0 */
    int64_t width;                                    /* units of all networks, and some for good measure */
    float far; /* standard deviations at which a feature is held */
} Networks;

typedef struct {
    int64_t feature;
    float value;
} Input;

#define ADD_INPUTS(name)                                                                                               \
    static void name(float *sums, const float *weights, const Input *inputs, int64_t count) {                          \
        float units[AT_ONCE];                                                                                          \
        memcpy(units, sums, sizeof units);                                                                             \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const float *of = weights + inputs[i].feature * AT_ONCE;                                                   \
            for (int k = 0; k < AT_ONCE; k++) units[k] += inputs[i].value * of[k];                                     \
        }                                                                                                              \
        memcpy(sums, units, sizeof units);                                                                             \
    }

ADD_INPUTS(add_inputs)

/* Wider registers where the processor has them. The sums are the same: each unit is summed by itself, unfused. */
#if defined(__x86_64__)
#include <cpuid.h>
__attribute__((target("avx2"))) ADD_INPUTS(add_inputs_wide)

static bool is_wide(void) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}
#else
static const bool no_wide = false;
#define add_inputs_wide add_inputs
#define is_wide() no_wide
#endif

/* The mean log odds of each row, shape (n_rows). */
EXPORT int64_t tw_judge(const Networks *networks, const float *features, int64_t n_rows, double *odds) {
    int64_t width = networks->width, inner = networks->n_inner;
    float *units = malloc((size_t)(width + inner) * sizeof *units), *deep = units + width;
    Input *inputs = malloc((size_t)networks->n_features * sizeof *inputs);
    if (!units || !inputs) {
        free(units), free(inputs);
        return NO_MEMORY;
    }
    void (*add)(float *, const float *, const Input *, int64_t) = is_wide() ? add_inputs_wide : add_inputs;
    for (int64_t row = 0; row < n_rows; row++) {
        const float *values = features + row * networks->n_features;
        int64_t count = 0;
        for (int64_t f = 0; f < networks->n_features; f++) {
            if (values[f] == 0) continue;
            float value = (values[f] - networks->mean[f]) * networks->scale[f];
            value = value < -networks->far ? -networks->far : value > networks->far ? networks->far : value;
            inputs[count++] = (Input){f, value - networks->zero[f]};
        }
        memcpy(units, networks->bias, (size_t)width * sizeof *units);
        for (int64_t part = 0; part < width; part += AT_ONCE)
            add(units + part, networks->first + part * networks->n_features, inputs, count);
        double sum = 0;
        for (int64_t network = 0; network < networks->n_networks; network++) {
            const float *own = units + network * networks->n_units, *last = inner ? deep : own;
            int64_t size = inner ? inner : networks->n_units;
            if (inner) {
                const float *weights = networks->second + network * networks->n_units * inner;
                memcpy(deep, networks->second_bias + network * inner, (size_t)inner * sizeof *deep);
                for (int64_t k = 0; k < networks->n_units; k++) {
                    float unit = own[k] > 0 ? own[k] : 0;
                    for (int64_t i = 0; i < inner; i++) deep[i] += unit * weights[k * inner + i];
                }
            }
            float told = networks->out_bias[network];
            for (int64_t i = 0; i < size; i++)
                if (last[i] > 0) told += last[i] * networks->out[network * size + i];
            sum += told;
        }
        odds[row] = sum / (double)networks->n_networks;
    }
    free(units), free(inputs);
    return 0;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_networks = sizeof(Networks);
