#pragma once
#include <cstdint>

#include "comm/collective_phase.hpp"
#include "memory/vmm.hpp"

namespace symmbench {

/// How an allocator sets a multicast object up.
struct MulticastSteps {
  std::uint64_t bytes = 0;  ///< of the object and of what is bound
  HandleType handle = HandleType::posix_fd;
  bool root_imports = false;  ///< rank 0 uses an import of its own object as well, not the id that it created
  bool binds_first = false;   ///< before the object is mapped
};

/// One rank's part in a multicast object over the blocks of all ranks: its memory bound, the object mapped.
class MulticastBinding {
 public:
  MulticastBinding() = default;
  /// Collective, after the blocks were made: create and export at rank 0, exchange, import, add the own device, then
  /// bind and map, or the other way round. Each step ends in a vote: above all nobody binds or maps, which wait without
  /// end for the whole team, before every device was added. `own` is this rank's block.
  /// @throws PhaseFailed{multicast}, after this rank's part was given back
  static MulticastBinding join(const PhaseContext& context, Driver& driver, const MulticastSteps& steps,
                               const PhysicalMemory& own);
  MulticastBinding(MulticastBinding&& other) noexcept;
  MulticastBinding& operator=(MulticastBinding&& other) noexcept;
  ~MulticastBinding();

  /// Before the block's own memory goes: unbind, unmap, release, free the range.
  void close();

  /// 0 where there is none.
  DevicePtr address() const { return mapping_.address(); }

 private:
  void bind(Driver& driver, const PhysicalMemory& own);
  void map(Driver& driver);

  Driver* bound_by_ = nullptr;  ///< null: nothing is bound
  PhysicalMemory created_;      ///< rank 0's, while its object_ is an import
  PhysicalMemory object_;
  AddressRange range_;
  Mapping mapping_;
};

}  // namespace symmbench
