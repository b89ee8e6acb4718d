#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/dtype.hpp"
#include "core/error.hpp"
#include "device/stream.hpp"

namespace symmbench {

/// A library that does allreduces through buffers of its own, as one rank sees it: the reference beside our kernels.
/// One communicator at a time; connect(), allreduce() and close() are collective over its ranks.
class CollectiveLibrary {
 public:
  virtual ~CollectiveLibrary() = default;

  /// "NCCL 2.28.3"
  virtual std::string version() const = 0;

  /// What one rank makes and all ranks hand to connect(). @throws Error
  virtual std::string make_id() = 0;

  /// Joins the communicator `id` on the device of `stream`, which must outlive the connection. Bounded:
  /// @throws Error{driver, timed_out} after `limit`, and the library is then of no more use in this process.
  virtual void connect(Stream& stream, const std::string& id, int rank, int size, std::chrono::nanoseconds limit) = 0;

  /// Enqueues the sum of `elements` elements over all ranks; `output` may equal `input`. May be captured. The first
  /// call of a size may connect ranks on the host: make it outside a capture.
  /// @pre connected. @throws Error{driver, ...}
  virtual void allreduce(Stream& stream, DevicePtr input, DevicePtr output, std::uint64_t elements, DType dtype) = 0;

  /// Memory of this rank for messages that the library treats better than any other, aligned to 256 bytes; nullptr where
  /// all memory is alike to it. Collective, and so is its release: all ranks take the same sizes in the same order. It
  /// must be gone before close(). Bounded as connect(). @pre connected. @throws Error{driver, ...}
  virtual std::shared_ptr<void> message_memory(std::uint64_t /*bytes*/, std::chrono::nanoseconds /*limit*/) {
    return nullptr;
  }
  /// For a person, behind the version: where messages lie.
  virtual std::string about_memory() const { return "with buffers of its own"; }

  /// An error that the library has found since connect() outside any call, or nullopt. Not collective.
  virtual std::optional<Failure> async_failure() const = 0;

  /// Bounded as connect(); nothing when not connected.
  virtual void close(std::chrono::nanoseconds limit) = 0;
};

/// The library, or for a person why there is none: exactly one of the two.
struct LibraryChoice {
  std::unique_ptr<CollectiveLibrary> library;
  std::string problem;
};

}  // namespace symmbench
