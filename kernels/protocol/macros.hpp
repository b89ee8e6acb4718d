#pragma once
// The only two macros of the protocol text. SYMMBENCH_FN: code that runs inside a kernel. SYMMBENCH_HD: arithmetic that
// the host needs as well (layouts, input patterns).
#if defined(__CUDACC__)
#define SYMMBENCH_FN __device__ __forceinline__
#define SYMMBENCH_HD __host__ __device__ __forceinline__
#else
#define SYMMBENCH_FN inline
#define SYMMBENCH_HD inline
#endif
