#include "kernels/cuda/cuda_link_probe.hpp"

#include "kernels/cuda/cuda_calls.hpp"
#include "kernels/cuda/floors.hpp"

namespace symmbench {
namespace {

class CudaLinkProbe final : public LinkProbe {
 public:
  explicit CudaLinkProbe(int ordinal) : calls_(ordinal) {}

  void empty(Stream& stream) override {
    calls_.check(cuda::launch_empty(calls_.native(stream)), [] { return "empty kernel"; });
  }
  void flag_barrier(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t row) override {
    require_peers(view);
    if (row > 1) CudaCalls::refuse("flag_barrier", "rows are 0 and 1");
    calls_.check(cuda::launch_flag_barrier(calls_.native(stream), view, segment, row), [] { return "flag barrier"; });
  }
  void write_peers(Stream& stream, const RankView& view, const SegmentView& segment,
                   std::uint32_t blocks_per_peer) override {
    require_peers(view);
    calls_.check(cuda::launch_write_peers(calls_.native(stream), view, segment, blocks_per_peer),
                 [] { return "peer writes"; });
  }
  void read_peers(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t blocks_per_peer,
                  DevicePtr sink) override {
    require_peers(view);
    calls_.check(cuda::launch_read_peers(calls_.native(stream), view, segment, blocks_per_peer, sink),
                 [] { return "peer reads"; });
  }
  void ping(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t rounds,
            DevicePtr to) override {
    require_peers(view);
    calls_.check(cuda::launch_ping(calls_.native(stream), view, segment, rounds, to), [] { return "ping"; });
  }
  void stamp(Stream& stream, DevicePtr to) override {
    calls_.check(cuda::launch_stamp(calls_.native(stream), to), [] { return "stamp"; });
  }

 private:
  static void require_peers(const RankView& view) {
    if (view.world_size < 2) CudaCalls::refuse("LinkProbe", "a group of one rank has no links");
  }

  CudaCalls calls_;
};

}  // namespace

std::unique_ptr<LinkProbe> make_cuda_link_probe(int ordinal) { return std::make_unique<CudaLinkProbe>(ordinal); }

}  // namespace symmbench
