#pragma once
// The only macros of the protocol text, and the only place where it asks which compiler reads it.
// SYMMBENCH_FN: code that runs inside a kernel. SYMMBENCH_HD: arithmetic that the host needs as well (layouts, numbers,
// input patterns). SYMMBENCH_UNROLL: before a loop whose trip count is known at compile time.
#if defined(__CUDACC__)
#define SYMMBENCH_FN __device__ __forceinline__
#define SYMMBENCH_HD __host__ __device__ __forceinline__
#define SYMMBENCH_UNROLL _Pragma("unroll")
#else
#define SYMMBENCH_FN inline
#if defined(__SANITIZE_ADDRESS__)  // instrumented code that is inlined everywhere takes gigabytes to compile
#define SYMMBENCH_HD inline
#else
#define SYMMBENCH_HD inline __attribute__((always_inline))
#endif
#define SYMMBENCH_UNROLL  // g++ unrolls short loops by itself, and warns about the pragma on a loop of one
#endif
