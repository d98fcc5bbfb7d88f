// Selective scan of channels-last float32 tensors on a CPU, forward and backward.
//
// The channels are cut into blocks of W that stay in vector registers for the whole length; a
// task is one block of one image. The forward keeps the state at the start of every SEGMENT steps;
// the backward runs each segment again from there, keeping its states and decays in the cache.
//
// u, dt: (batch, length, d); A: (N, d); B, C: (batch, length, N); d a multiple of W.
// starts: (batch, d / W, segments, N, W). The gradients of A, B and C come out once for each image
// or block of channels, to be summed by the caller.

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

constexpr int W = 16, SEGMENT = 64;

template <int N> using State = float[N][W];

// h <- exp(dt A) h + B (dt u) for one step.
template <int N>
inline void advance(State<N> &h, const float *dt, const float *x, const float *b,
                    const State<N> &A, float (*decays)[W]) {
  for (int n = 0; n < N; n++) {
    const float bn = b[n];
#pragma omp simd
    for (int i = 0; i < W; i++) {
      const float decay = std::exp(dt[i] * A[n][i]);
      if (decays) decays[n][i] = decay;
      h[n][i] = decay * h[n][i] + bn * x[i];
    }
  }
}

template <int N>
inline void load(State<N> &to, const float *from, int64_t stride) {
  for (int n = 0; n < N; n++)
    for (int i = 0; i < W; i++) to[n][i] = from[n * stride + i];
}

template <int N>
inline void store(float *to, const State<N> &from, int64_t stride) {
  for (int n = 0; n < N; n++)
    for (int i = 0; i < W; i++) to[n * stride + i] = from[n][i];
}

template <int N>
void forward(int64_t batch, int64_t length, int64_t d, const float *u, const float *dt,
             const float *A, const float *B, const float *C, float *y, float *starts,
             int threads) {
  const int64_t blocks = d / W, segments = (length + SEGMENT - 1) / SEGMENT;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t task = 0; task < batch * blocks; task++) {
    const int64_t image = task / blocks, c0 = (task % blocks) * W;
    State<N> a, h = {};
    load<N>(a, A + c0, d);
    for (int64_t t = 0; t < length; t++) {
      if (starts && t % SEGMENT == 0)
        store<N>(starts + (task * segments + t / SEGMENT) * N * W, h, W);
      const int64_t at = image * length + t;
      const float *ut = u + at * d + c0, *dtt = dt + at * d + c0;
      float x[W], sum[W] = {};
      for (int i = 0; i < W; i++) x[i] = ut[i] * dtt[i];
      advance<N>(h, dtt, x, B + at * N, a, nullptr);
      for (int n = 0; n < N; n++) {
        const float cn = C[at * N + n];
#pragma omp simd
        for (int i = 0; i < W; i++) sum[i] += cn * h[n][i];
      }
      for (int i = 0; i < W; i++) y[at * d + c0 + i] = sum[i];
    }
  }
}

template <int N>
void backward(int64_t batch, int64_t length, int64_t d, const float *gy, const float *u,
              const float *dt, const float *A, const float *B, const float *C,
              const float *starts, float *gu, float *gdt, float *gA, float *gB, float *gC,
              int threads) {
  const int64_t blocks = d / W, segments = (length + SEGMENT - 1) / SEGMENT;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t task = 0; task < batch * blocks; task++) {
    std::vector<float> state_memory((SEGMENT + 1) * N * W), decay_memory(SEGMENT * N * W);
    auto states = reinterpret_cast<State<N> *>(state_memory.data());
    auto decays = reinterpret_cast<State<N> *>(decay_memory.data());
    const int64_t image = task / blocks, block = task % blocks, c0 = block * W;
    // `flow` is the adjoint that crosses from a step to the one before it.
    State<N> a, flow = {}, ga = {};
    load<N>(a, A + c0, d);
    for (int64_t segment = segments - 1; segment >= 0; segment--) {
      const int64_t first = segment * SEGMENT;
      const int64_t last = first + SEGMENT < length ? first + SEGMENT : length;
      State<N> h;
      load<N>(h, starts + (task * segments + segment) * N * W, W);
      store<N>(&states[0][0][0], h, W);
      for (int64_t t = first; t < last; t++) {
        const int64_t at = image * length + t;
        const float *ut = u + at * d + c0, *dtt = dt + at * d + c0;
        float x[W];
        for (int i = 0; i < W; i++) x[i] = ut[i] * dtt[i];
        advance<N>(h, dtt, x, B + at * N, a, decays[t - first]);
        store<N>(&states[t - first + 1][0][0], h, W);
      }
      for (int64_t t = last - 1; t >= first; t--) {
        const int64_t at = image * length + t;
        const float *ut = u + at * d + c0, *dtt = dt + at * d + c0, *g = gy + at * d + c0;
        float *gBt = gB + ((block * batch + image) * length + t) * N;
        float *gCt = gC + ((block * batch + image) * length + t) * N;
        float x[W], gx[W] = {}, gd[W] = {};
        for (int i = 0; i < W; i++) x[i] = ut[i] * dtt[i];
        for (int n = 0; n < N; n++) {
          float sum_b = 0, sum_c = 0;
          const float cn = C[at * N + n], bn = B[at * N + n];
          const float(&before)[W] = states[t - first][n], (&after)[W] = states[t - first + 1][n];
          const float(&decay)[W] = decays[t - first][n];
#pragma omp simd reduction(+ : sum_b, sum_c)
          for (int i = 0; i < W; i++) {
            const float adjoint = flow[n][i] + cn * g[i];
            sum_c += after[i] * g[i];
            sum_b += adjoint * x[i];
            gx[i] += bn * adjoint;
            const float crossing = adjoint * decay[i];
            flow[n][i] = crossing;
            const float through_decay = crossing * before[i];
            gd[i] += through_decay * a[n][i];
            ga[n][i] += through_decay * dtt[i];
          }
          gBt[n] = sum_b;
          gCt[n] = sum_c;
        }
        for (int i = 0; i < W; i++) {
          gu[at * d + c0 + i] = gx[i] * dtt[i];
          gdt[at * d + c0 + i] = gd[i] + gx[i] * ut[i];
        }
      }
    }
    store<N>(gA + image * N * d + c0, ga, d);
  }
}

}  // namespace

extern "C" {

void scan_forward(int64_t batch, int64_t length, int64_t d, const float *u, const float *dt,
                  const float *A, const float *B, const float *C, float *y, float *starts,
                  int threads) {
  forward<STATES>(batch, length, d, u, dt, A, B, C, y, starts, threads);
}

void scan_backward(int64_t batch, int64_t length, int64_t d, const float *gy, const float *u,
                   const float *dt, const float *A, const float *B, const float *C,
                   const float *starts, float *gu, float *gdt, float *gA, float *gB, float *gC,
                   int threads) {
  backward<STATES>(batch, length, d, gy, u, dt, A, B, C, starts, gu, gdt, gA, gB, gC, threads);
}

}
