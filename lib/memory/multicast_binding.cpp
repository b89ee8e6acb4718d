#include "memory/multicast_binding.hpp"

#include <utility>
#include <vector>

#include "memory/close_quietly.hpp"
#include "memory/keep_going.hpp"
#include "memory/rendezvous.hpp"

namespace symmbench {

MulticastBinding MulticastBinding::join(const PhaseContext& context, Driver& driver, const MulticastSteps& steps,
                                        const PhysicalMemory& own) {
  auto& comm = context.comm;
  const bool is_root = comm.rank() == 0;
  const auto step = [&](const std::function<void()>& body) { collective_phase(context, Phase::multicast, body); };
  MulticastBinding binding;
  ShareableHandle handle;
  step([&] {
    if (is_root) {
      binding.created_ = PhysicalMemory::create_multicast(
          driver, {.devices = comm.size(), .bytes = steps.bytes, .handle = steps.handle});
    }
    // Every rank sends one: the others' says nothing.
    handle = is_root ? binding.created_.export_handle() : own.export_handle();
  });
  step([&] {
    std::vector<ShareableHandle> mine;
    mine.push_back(std::move(handle));
    handle = std::move(gather_handles(comm, std::move(mine)).front().front());
  });
  step([&] {
    if (!is_root || steps.root_imports) {
      binding.object_ = PhysicalMemory::import_from(driver, steps.bytes, handle);
    } else {
      binding.object_ = std::move(binding.created_);
    }
    handle = ShareableHandle();
  });
  // Here and not earlier: an object whose creator lets go of it before all have imported it comes out empty.
  step([&] { binding.created_.close(); });
  step([&] { driver.add_device(binding.object_.id()); });
  step([&] {
    if (steps.binds_first) binding.bind(driver, own);
    binding.map(driver);
    if (!steps.binds_first) binding.bind(driver, own);
  });
  return binding;
}

void MulticastBinding::bind(Driver& driver, const PhysicalMemory& own) {
  driver.bind_memory(object_.id(), 0, own.id(), object_.bytes());
  bound_by_ = &driver;
}

void MulticastBinding::map(Driver& driver) {
  range_ = AddressRange(driver, object_.bytes(), 0);
  mapping_ = Mapping(driver, range_.address(), object_);
  driver.set_access(mapping_.address(), mapping_.bytes());
}

MulticastBinding::MulticastBinding(MulticastBinding&& other) noexcept
    : bound_by_(std::exchange(other.bound_by_, nullptr)),
      created_(std::move(other.created_)),
      object_(std::move(other.object_)),
      range_(std::move(other.range_)),
      mapping_(std::move(other.mapping_)) {}

MulticastBinding& MulticastBinding::operator=(MulticastBinding&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(*this, "multicast binding");
  bound_by_ = std::exchange(other.bound_by_, nullptr);
  created_ = std::move(other.created_);
  object_ = std::move(other.object_);
  mapping_ = std::move(other.mapping_);
  range_ = std::move(other.range_);
  return *this;
}

MulticastBinding::~MulticastBinding() { close_quietly(*this, "multicast binding"); }

void MulticastBinding::close() {
  KeepGoing keep_going;
  keep_going([&] {
    if (bound_by_ == nullptr) return;
    bound_by_->unbind_memory(object_.id(), 0, object_.bytes());
    bound_by_ = nullptr;
  });
  keep_going([&] { mapping_.close(); });
  keep_going([&] { object_.close(); });
  keep_going([&] { created_.close(); });
  keep_going([&] { range_.close(); });
  keep_going.rethrow();
}

}  // namespace symmbench
