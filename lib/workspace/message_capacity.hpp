#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// What a workspace must hold: the call shapes of a case group, as far as sizes follow from them. Segments are a
/// function of all of them together, which each workspace knows for itself (workspaces.hpp). All shapes have one world
/// size.
class MessageCapacity {
 public:
  MessageCapacity() = default;
  explicit MessageCapacity(const CallShape& shape) { add(shape); }

  /// How a call is launched takes no memory, so that is forgotten; and of shapes that differ in tokens only the longest
  /// stays, because more tokens never need less.
  void add(const CallShape& shape);
  void add(const MessageCapacity& other);

  bool empty() const { return shapes_.empty(); }
  std::span<const CallShape> shapes() const { return shapes_; }
  int world_size() const { return empty() ? 0 : shapes_.front().world_size; }
  /// Of one rank's largest input; 0 where there is nothing to hold.
  std::uint64_t message_bytes() const;
  /// Of the narrowest type; 0 where there is nothing to hold.
  std::uint64_t element_bytes() const;

  /// Why no workspace at all can hold this, or nullopt.
  std::optional<std::string> problem() const;

 private:
  std::vector<CallShape> shapes_;
};

}  // namespace symmbench
