#pragma once
#include <functional>
#include <string>

#include "device/collective_library.hpp"
#include "device/recorded_facts.hpp"

namespace symmbench {

inline constexpr const char* kNcclLibrary = "libnccl.so.2";

/// The stream as CUDA's runtime knows it (cudaStream_t), its device made current in the calling thread.
using NativeStream = std::function<void*(Stream&)>;

/// Where the messages lie that NCCL is given.
enum class NcclMemory {
  any,
  windows,  ///< of its own, registered as symmetric windows: it then has kernels that read and write peers (NCCL 2.27)
};

/// Opens NCCL where it may be used. Never throws for what it finds: no library, a symbol missing, too old for bf16 or for
/// windows. Refuses to open it at all unless NCCL_NVLS_ENABLE is 0 in this process: NCCL would set multicast up by
/// itself.
LibraryChoice open_nccl(NativeStream native, const std::string& library = kNcclLibrary,
                        NcclMemory memory = NcclMemory::any);

/// Which file NCCL is and which version it says it has, under the same rule. Never throws.
LibraryFacts nccl_facts(const std::string& library = kNcclLibrary);

}  // namespace symmbench
