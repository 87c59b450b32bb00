/* The same image in C with OpenMP: one point at a time, rows handed out dynamically.
 * Build: cc -O3 -march=native -ffp-contract=off -fopenmp mandelbrot.c
 * (no contraction, so that every count is the same to the last bit)
 * Run: a.out WIDTH HEIGHT ITERATIONS THREADS, prints: CHECKSUM SECONDS */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint16_t escapes(double re, double im, int iterations) {
    double x = 0, y = 0;
    for (int count = 0; count < iterations; count++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0) return (uint16_t)count;
        y = 2.0 * x * y + im;
        x = xx - yy + re;
    }
    return (uint16_t)iterations;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int width = atoi(argv[1]), height = atoi(argv[2]), iterations = atoi(argv[3]);
    omp_set_num_threads(atoi(argv[4]));
    uint16_t *counts = malloc((size_t)width * height * sizeof *counts);
    double start = omp_get_wtime();
#pragma omp parallel for schedule(dynamic, 1)
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
            counts[(size_t)row * width + column] =
                escapes(-2.0 + column * (2.6 / width), -0.4 + row * (1.95 / height), iterations);
    double seconds = omp_get_wtime() - start;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < (size_t)width * height; i++)
        for (int byte = 0; byte < 2; byte++) hash = (hash ^ (counts[i] >> 8 * byte & 0xff)) * 0x100000001b3u;
    printf("%llu %.6f\n", (unsigned long long)hash, seconds);
    free(counts);
    return 0;
}
