// The driver calls of both symmetric-memory modes, held against the order in which upstream makes them. Whatever differs
// must be among the differences that the allocator declares, and what is declared must differ.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "device/host/host_driver.hpp"
#include "memory/allocators.hpp"
#include "memory/torch_symm_mem.hpp"
#include "support/thread_ranks.hpp"
#include "support/tracing_driver.hpp"

namespace symmbench {
namespace {

using Trace = std::vector<std::string>;

constexpr int kRanks = 3;

// One allocation of 4 KiB with descriptors by three ranks, to its end, without multicast, on a device that offers
// GPUDirect RDMA and has granules of 2 MiB.
// FlashInfer 0.7.4, flashinfer/comm/mnnvl.py, SymmDeviceMemory as the TRTLLM workspace uses it.
const Trace kSymmUpstream = {
    "cuMemGetAllocationGranularity(recommended)",
    "cuMemCreate(rdma 1)",
    "cuMemExportToShareableHandle",
    "cuCtxSynchronize",
    "cuMemImportFromShareableHandle",
    "cuMemImportFromShareableHandle",
    "cuMemAddressReserve(6 MiB, align 2)",
    "cuMemMap",
    "cuMemMap",
    "cuMemMap",
    "cuMemSetAccess(6 MiB)",
    "cuMemAlloc",
    "cuMemcpyAsync",
    "cuMemRelease",
    "cuMemUnmap",
    "cuMemRelease",
    "cuMemUnmap",
    "cuMemRelease",
    "cuMemUnmap",
    "cuMemAddressFree",
};

// PyTorch 2.14, torch/csrc/distributed/c10d/symm_mem/CUDASymmetricMemory.cu, with TORCH_SYMM_MEM_DISABLE_MULTICAST=1.
const Trace kTorchUpstream = {
    "cuMemGetAllocationGranularity(recommended)",
    "cuMemCreate(rdma 1)",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemsetD32Async(9216 bytes)",
    "cuStreamSynchronize",
    "cuMemExportToShareableHandle",
    "cuMemImportFromShareableHandle",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemImportFromShareableHandle",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemAlloc",
    "cuMemAlloc",
    "cuMemcpyAsync",
    "cuMemcpyAsync",
    "cuStreamSynchronize",
    "cuCtxSynchronize",
    "cuMemUnmap",
    "cuMemRelease",
    "cuCtxSynchronize",
    "cuMemUnmap",
    "cuMemRelease",
    "cuCtxSynchronize",
    "cuMemUnmap",
    "cuMemRelease",
};

// PyTorch 2.11 on two H200s, driver calls by CUPTI callbacks, TORCH_SYMM_MEM_DISABLE_MULTICAST=1; the same with a third rank.
// Memory calls only: what else the process did stands in kTorchUpstream.
const Trace kTorchTraced = {
    "cuMemGetAllocationGranularity(recommended)",
    "cuMemCreate(rdma 0)",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemsetD8(2097152 bytes)",
    "cuMemExportToShareableHandle",
    "cuMemImportFromShareableHandle",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemImportFromShareableHandle",
    "cuMemAddressReserve(2 MiB, align 0)",
    "cuMemMap",
    "cuMemSetAccess(2 MiB)",
    "cuMemUnmap",
    "cuMemRelease",
    "cuMemUnmap",
    "cuMemRelease",
    "cuMemUnmap",
    "cuMemRelease",
};

/// Whether a call of this name could stand in kTorchTraced.
bool is_memory_call(const std::string& name) {
  return name.starts_with("cuMem") && name != "cuMemAlloc" && name != "cuMemcpyAsync";
}

/// Rank 1's calls: the rank has peers on both sides.
Trace trace_of(AllocatorKind kind, TorchLayout layout = TorchLayout::v2_14) {
  std::vector<Trace> traces(kRanks);
  const auto failures = test::failures_of_ranks(kRanks, [&](int rank, Communicator& comm) {
    test::TracingDriver driver(std::make_unique<HostDriver>(HostDriverOptions{.gpu_direct_rdma_supported = true}),
                               traces[rank]);
    const auto allocator = kind == AllocatorKind::torch_symm_mem
                               ? std::make_unique<TorchSymmMem>(MulticastUse::off, layout)
                               : mode_of(kind).make();
    allocator->allocate({.comm = comm}, driver, 4096, HandleType::posix_fd)->close({.comm = comm});
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  return traces[1];
}

std::string name_in(const std::string& call) { return call.substr(0, call.find('(')); }

/// By which steps `there` becomes `here`, as Difference::calls spells them: the fewest that there are.
std::set<std::string> differences_between(const Trace& there, const Trace& here) {
  std::vector<std::vector<int>> common(there.size() + 1, std::vector<int>(here.size() + 1, 0));
  for (std::size_t i = there.size(); i-- > 0;) {
    for (std::size_t j = here.size(); j-- > 0;) {
      common[i][j] = there[i] == here[j] ? 1 + common[i + 1][j + 1] : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::set<std::string> gone, added, found;
  for (std::size_t i = 0, j = 0; i < there.size() || j < here.size();) {
    if (i < there.size() && j < here.size() && there[i] == here[j]) {
      ++i, ++j;
    } else if (j == here.size() || (i < there.size() && common[i + 1][j] >= common[i][j + 1])) {
      gone.insert(name_in(there[i++]));
    } else {
      added.insert(name_in(here[j++]));
    }
  }
  for (const auto& call : gone) found.insert((added.contains(call) ? "~" : "-") + call);
  for (const auto& call : added) {
    if (!gone.contains(call)) found.insert("+" + call);
  }
  return found;
}

std::set<std::string> declared_in(std::span<const Difference> differences) {
  std::set<std::string> declared;
  for (const auto& difference : differences) {
    std::istringstream words{std::string(difference.calls)};
    for (std::string word; words >> word;) declared.insert(word);
  }
  return declared;
}

std::set<std::string> declared_by(AllocatorKind kind) { return declared_in(mode_of(kind).make()->differences()); }

TEST_CASE("driver calls that differ from upstream's are declared, and those that are declared differ") {
  CHECK(differences_between(kSymmUpstream, trace_of(AllocatorKind::symm_device_memory)) ==
        declared_by(AllocatorKind::symm_device_memory));
  CHECK(differences_between(kTorchUpstream, trace_of(AllocatorKind::torch_symm_mem)) ==
        declared_by(AllocatorKind::torch_symm_mem));
}

TEST_CASE(
    "memory calls of the 2.13 layout differ from a trace of such a PyTorch in what is declared, and in nothing else") {
  Trace here = trace_of(AllocatorKind::torch_symm_mem, TorchLayout::v2_13);
  std::erase_if(here, [](const std::string& call) { return !is_memory_call(name_in(call)); });
  auto declared = declared_in(TorchSymmMem(MulticastUse::off, TorchLayout::v2_13).differences());
  std::erase_if(declared, [](const std::string& word) { return !is_memory_call(word.substr(1)); });
  CHECK(differences_between(kTorchTraced, here) == declared);
  CHECK(declared.contains("-cuMemsetD8"));
}

TEST_CASE("the two layouts differ in the flag, in what is cleared, and in where pad and data lie") {
  const auto pad_first = trace_of(AllocatorKind::torch_symm_mem),
             data_first = trace_of(AllocatorKind::torch_symm_mem, TorchLayout::v2_13);
  CHECK(differences_between(data_first, pad_first) == std::set<std::string>{"~cuMemCreate", "~cuMemsetD32Async"});
  test::run_ranks(1, [](int, Communicator& comm) {
    HostDriver driver;
    for (const auto& row : kTorchLayouts) {
      TorchSymmMem allocator(MulticastUse::off, row.value);
      const auto memory = allocator.allocate({.comm = comm}, driver, 4100, HandleType::posix_fd);
      const auto& facts = memory->facts();
      test::require(facts.data_offset == (row.pad_first ? 9216u : 0u));
      test::require(facts.signal_pad_offset == (row.pad_first ? 0u : 4112u));
      test::require(facts.allocated_bytes == allocator.allocated_bytes(4100, facts.granularity_bytes));
      const auto* block = static_cast<const std::uint32_t*>(to_pointer(memory->data(0) - facts.data_offset));
      const auto words = (row.clears_block ? facts.allocated_bytes : facts.signal_pad_bytes) / 4;
      test::require(std::all_of(block, block + words, [](std::uint32_t word) { return word == 0; }));
      memory->close({.comm = comm});
    }
  });
}

TEST_CASE("a call too many, too few, elsewhere or with other arguments is a difference between traces") {
  using Found = std::set<std::string>;
  CHECK(differences_between({"a", "b"}, {"a", "b"}) == Found{});
  CHECK(differences_between({"a", "b"}, {"a", "c", "b"}) == Found{"+c"});
  CHECK(differences_between({"a", "b"}, {"a"}) == Found{"-b"});
  CHECK(differences_between({"a", "b", "c"}, {"b", "c", "a"}) == Found{"~a"});
  CHECK(differences_between({"cuMemCreate(rdma 0)"}, {"cuMemCreate(rdma 1)"}) == Found{"~cuMemCreate"});
}

}  // namespace
}  // namespace symmbench
