#pragma once
#include <cstdint>

#include "kernels/protocol/packet.hpp"

namespace symmbench::ptx {

// The memory instructions of the CUDA device, one function each. All are volatile: their order in the text is the order
// in the program, which the memory model then weakens as it says.

__device__ __forceinline__ Packet load(std::uint64_t address) {
  Packet p;
  asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(p.word[0]), "=r"(p.word[1]), "=r"(p.word[2]), "=r"(p.word[3])
               : "l"(address));
  return p;
}
__device__ __forceinline__ std::uint32_t load_word(std::uint64_t address) {
  std::uint32_t word;
  asm volatile("ld.global.u32 %0, [%1];" : "=r"(word) : "l"(address));
  return word;
}
__device__ __forceinline__ void store(std::uint64_t address, const Packet& p) {
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(p.word[0]), "r"(p.word[1]),
               "r"(p.word[2]), "r"(p.word[3])
               : "memory");
}
__device__ __forceinline__ void store(std::uint64_t address, const std::uint32_t (&words)[1]) {
  asm volatile("st.global.u32 [%0], %1;" ::"l"(address), "r"(words[0]) : "memory");
}
__device__ __forceinline__ void store(std::uint64_t address, const std::uint32_t (&words)[2]) {
  asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(address), "r"(words[0]), "r"(words[1]) : "memory");
}
__device__ __forceinline__ void store_word(std::uint64_t address, std::uint32_t word) {
  asm volatile("st.global.u32 [%0], %1;" ::"l"(address), "r"(word) : "memory");
}
__device__ __forceinline__ void store_byte(std::uint64_t address, std::uint32_t byte) {
  asm volatile("st.global.u8 [%0], %1;" ::"l"(address), "r"(byte) : "memory");
}
/// Into L2, where also the writes of others go.
__device__ __forceinline__ void prefetch(std::uint64_t address) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
}
__device__ __forceinline__ Packet load_relaxed_sys(std::uint64_t address) {
  Packet p;
  asm volatile("ld.relaxed.sys.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(p.word[0]), "=r"(p.word[1]), "=r"(p.word[2]), "=r"(p.word[3])
               : "l"(address));
  return p;
}
__device__ __forceinline__ void store_relaxed_sys(std::uint64_t address, const Packet& p) {
  asm volatile("st.relaxed.sys.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(p.word[0]), "r"(p.word[1]),
               "r"(p.word[2]), "r"(p.word[3])
               : "memory");
}
__device__ __forceinline__ Packet load_relaxed_gpu(std::uint64_t address) {
  Packet p;
  asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(p.word[0]), "=r"(p.word[1]), "=r"(p.word[2]), "=r"(p.word[3])
               : "l"(address));
  return p;
}
__device__ __forceinline__ std::uint32_t load_word_relaxed_gpu(std::uint64_t address) {
  std::uint32_t word;
  asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(word) : "l"(address));
  return word;
}
__device__ __forceinline__ std::uint32_t load_word_acquire_sys(std::uint64_t address) {
  std::uint32_t word;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(word) : "l"(address) : "memory");
  return word;
}
__device__ __forceinline__ void store_word_release_sys(std::uint64_t address, std::uint32_t word) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(address), "r"(word) : "memory");
}

/// `value`, in a register and of unknown origin: the compiler would rather compute an address anew at every turn of a
/// polling loop.
__device__ __forceinline__ std::uint64_t in_register(std::uint64_t value) {
  asm volatile("" : "+l"(value));
  return value;
}
__device__ __forceinline__ std::uint32_t in_register(std::uint32_t value) {
  asm volatile("" : "+r"(value));
  return value;
}
__device__ __forceinline__ bool in_register(bool value) {
  std::uint32_t word = value;
  asm volatile("" : "+r"(word));
  return word != 0;
}

/// Of a normal number whose reciprocal is one, to within its last bit (PTX ISA, rcp); of an infinity 0.
__device__ __forceinline__ float reciprocal(float value) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}

/// Of a normal number, to within 2^-22.4 of the result (PTX ISA, rsqrt).
__device__ __forceinline__ float reciprocal_sqrt(float value) {
  float result;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}

/// Nanoseconds, in steps of 32 on an H200.
__device__ __forceinline__ std::uint64_t globaltimer() {
  std::uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

// Programmatic dependent launch: without the launch attribute both do nothing.
__device__ __forceinline__ void wait_for_previous_kernel() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
__device__ __forceinline__ void let_next_kernel_start() { asm volatile("griddepcontrol.launch_dependents;" :::); }

// Thread block clusters.
__device__ __forceinline__ std::uint32_t cluster_number() {
  std::uint32_t id;
  asm("mov.u32 %0, %%clusterid.x;" : "=r"(id));
  return id;
}
__device__ __forceinline__ std::uint32_t cluster_block() {
  std::uint32_t id;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(id));
  return id;
}
__device__ __forceinline__ std::uint32_t cluster_size() {
  std::uint32_t size;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
}
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.release;" ::: "memory"); }
__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}
/// Where block `block` of the cluster has what this block has at `address`.
__device__ __forceinline__ std::uint32_t shared_address_of(std::uint32_t address, std::uint32_t block) {
  std::uint32_t mapped;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(address), "r"(block));
  return mapped;
}
__device__ __forceinline__ float4 load_shared(std::uint32_t address) {
  float4 v;
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(address));
  return v;
}
__device__ __forceinline__ float load_shared_number(std::uint32_t address) {
  float v;
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(address));
  return v;
}
/// For one phase, which ends after mbarrier_expect() when the bytes that it names have arrived.
__device__ __forceinline__ void mbarrier_init(std::uint32_t mbarrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(mbarrier) : "memory");
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
/// Bytes may arrive before it: the phase lasts until this has been called too.
__device__ __forceinline__ void mbarrier_expect(std::uint32_t mbarrier, std::uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(mbarrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void store_async(std::uint32_t to, std::uint32_t value, std::uint32_t mbarrier) {
  asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(to), "r"(value),
               "r"(mbarrier)
               : "memory");
}
__device__ __forceinline__ bool mbarrier_done(std::uint32_t mbarrier) {
  std::uint32_t done;
  asm volatile(
      "{\n\t.reg .pred p;\n\t"
      "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0;\n\t"
      "selp.u32 %0, 1, 0, p;\n\t}"
      : "=r"(done)
      : "r"(mbarrier)
      : "memory");
  return done != 0;
}

}  // namespace symmbench::ptx
