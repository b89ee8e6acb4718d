#include "comm/communicator.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace symmbench {

void check_blob_sizes(const Communicator& comm, std::string_view step, std::span<const Blob> blobs,
                      std::size_t expected_bytes) {
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    if (blobs[i].size() == expected_bytes) continue;
    const int peer = comm.world_rank(static_cast<int>(i));
    throw Error({.layer = Layer::comm,
                 .reason = Reason::disagreement,
                 .detail = fmt::format("step '{}': rank {} sent {} bytes, {} expected", step, peer, blobs[i].size(),
                                       expected_bytes),
                 .rank = comm.world_rank(comm.rank()),
                 .peer = peer});
  }
}

std::vector<std::string> allgather_text(Communicator& comm, std::string_view step, std::string_view mine) {
  const auto blobs = comm.allgather(step, std::as_bytes(std::span(mine)));
  std::vector<std::string> texts;
  for (const Blob& blob : blobs) texts.emplace_back(reinterpret_cast<const char*>(blob.data()), blob.size());
  return texts;
}

}  // namespace symmbench
