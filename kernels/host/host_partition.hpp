#pragma once
#include <cstdint>

#include "kernels/protocol/fusion_layout.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench::host {

/// A contiguous piece of [0, count), one of `blocks` nearly equal ones.
struct Piece {
  std::uint64_t first, end;
};
inline Piece piece_of(std::uint64_t count, std::uint32_t block, std::uint32_t blocks) {
  return {count * block / blocks, count * (block + 1) / blocks};
}

/// What all partitions of the host share: one thread is one block, so block-wide steps are nothing and nothing is kept.
class BlockPartition {
 public:
  template <class V>
  struct Retained {
    void set(int, const V&) {}
    template <class F>
    V get_or(int, F&& again) const {
      return again();
    }
  };

  BlockPartition(std::uint32_t block, std::uint32_t blocks) : block_(block), blocks_(blocks) {}

  std::uint32_t block() const { return block_; }
  std::uint32_t blocks() const { return blocks_; }
  bool leader() const { return true; }
  void sync_block() const {}
  bool all_alive(bool alive) const { return alive; }

  template <class F>
  void prepare(F&&) const {}
  template <class F>
  void for_each_rank(int ranks, F&& f) const {
    for (int rank = 0; rank < ranks; ++rank) f(rank);
  }
  template <class F>
  void for_each_index(std::uint64_t count, F&& f) const {
    const Piece piece = piece_of(count, block_, blocks_);
    for (std::uint64_t i = piece.first; i < piece.end; ++i) f(i);
  }

  /// For the check kernels: f(row_part, row); a row belongs to one block.
  struct RowPart {
    template <class F>
    void for_each_index(std::uint64_t count, F&& f) const {
      for (std::uint64_t i = 0; i < count; ++i) f(i);
    }
    double sum(double value) const { return value; }
    double largest(double value) const { return value; }
  };
  template <class F>
  void for_each_row(std::uint64_t rows, F&& f) const {
    for_each_index(rows, [&](std::uint64_t row) { f(RowPart{}, row); });
  }

 protected:
  /// A tile of a plain partition is whatever the block handles.
  template <class Partition, class Which>
  struct WholeTile {
    const Partition& partition;
    template <class F>
    void for_each(F&& f) const {
      partition.for_each(Which{}, f);
    }
  };

  std::uint32_t block_, blocks_;
};

/// Plain one-shot: block b has the b-th piece of the message.
class MessagePartition : public BlockPartition {
 public:
  MessagePartition(std::uint32_t block, std::uint32_t blocks, const MessageSpan& message)
      : BlockPartition(block, blocks), piece_(piece_of(message.packets, block, blocks)) {}

  template <class F>
  void for_each(AllShares, F&& f) const {
    for (std::uint64_t p = piece_.first; p < piece_.end; ++p) f(0, PacketRef{p, 0, 0, 0});
  }
  template <class F>
  void for_each_tile(AllShares, F&& f) const {
    f(WholeTile<MessagePartition, AllShares>{*this});
  }

 private:
  Piece piece_;
};

/// Plain two-shots: block b has the b-th piece of each rank's share, the own one last.
class SharePartition : public BlockPartition {
 public:
  SharePartition(std::uint32_t block, std::uint32_t blocks, const MessageSpan& message, int rank, int world_size)
      : BlockPartition(block, blocks), packets_(message.packets), rank_(rank), world_size_(world_size) {}

  template <class F>
  void for_each(AllShares, F&& f) const {
    for_each(RemoteShares{}, f);
    for_each(LocalShare{}, f);
  }
  template <class F>
  void for_each(RemoteShares, F&& f) const {
    for (int step = 0; step < world_size_ - 1; ++step) visit((rank_ + 1 + step) % world_size_, f);
  }
  template <class F>
  void for_each(LocalShare, F&& f) const {
    visit(rank_, f);
  }
  template <class Which, class F>
  void for_each_tile(Which, F&& f) const {
    f(WholeTile<SharePartition, Which>{*this});
  }

 private:
  template <class F>
  void visit(int owner, F&& f) const {
    const Share share = share_of(owner, world_size_, packets_);
    const Piece piece = piece_of(share.count, block_, blocks_);
    for (std::uint64_t i = piece.first; i < piece.end; ++i) f(0, PacketRef{share.first + i, i, 0, owner});
  }

  std::uint64_t packets_;
  int rank_, world_size_;
};

/// Fused patterns: block b has rows b, b + blocks, ...; a row may belong to several owners.
class RowsPartition : public BlockPartition {
 public:
  RowsPartition(std::uint32_t block, std::uint32_t blocks, const MessageSpan& message, std::uint64_t row_packets,
                int rank)
      : BlockPartition(block, blocks),
        share_(message.share),
        row_packets_(row_packets),
        rows_(message.packets / row_packets),
        rank_(rank) {}

  template <class Which, class F>
  void for_each(Which which, F&& f) const {
    for (std::uint64_t row = block_; row < rows_; row += blocks_) visit(which, row, f);
  }
  template <class F>
  void for_each_tile(AllShares, F&& f) const {
    for (std::uint64_t row = block_; row < rows_; row += blocks_) f(Tile{*this, row});
  }

 private:
  struct Tile {
    const RowsPartition& partition;
    std::uint64_t row;
    template <class F>
    void for_each(F&& f) const {
      partition.visit(AllShares{}, row, f);
    }
    template <class Overlap>
    bool row_sum(float&, bool alive, const Overlap&) const {
      return alive;
    }
    template <class Overlap>
    bool row_sum_and_largest(float&, float&, bool alive, const Overlap&) const {
      return alive;
    }
    template <class F>
    void for_each_group(std::uint32_t packets, F&& f) const {
      for (std::uint64_t first = 0; first < partition.row_packets_; first += packets) f(Group{*this, first, packets});
    }
  };

  struct Group {
    const Tile& tile;
    std::uint64_t first;
    std::uint32_t packets;
    template <class F>
    void for_each(F&& f) const {
      tile.partition.visit(AllShares{}, tile.row, first, first + packets, f);
    }
    float largest(float value) const { return value; }
  };

  bool wanted(AllShares, int) const { return true; }
  bool wanted(LocalShare, int owner) const { return owner == rank_; }
  bool wanted(RemoteShares, int owner) const { return owner != rank_; }

  template <class Which, class F>
  void visit(Which which, std::uint64_t row, F&& f) const {
    visit(which, row, 0, row_packets_, f);
  }
  template <class Which, class F>
  void visit(Which which, std::uint64_t row, std::uint64_t first, std::uint64_t end, F&& f) const {
    std::uint64_t packet = row * row_packets_ + first;
    int owner = static_cast<int>(packet / share_);
    std::uint64_t index = packet % share_;
    for (std::uint64_t column = first; column < end; ++column, ++packet, ++index) {
      if (index == share_) {
        index = 0;
        ++owner;
      }
      if (wanted(which, owner)) f(0, PacketRef{packet, index, column, owner, row});
    }
  }

  std::uint64_t share_, row_packets_, rows_;
  int rank_;
};

/// Messages cut by tokens: block b has rows b, b + blocks, ..., each of one owner.
class TokensPartition : public BlockPartition {
 public:
  TokensPartition(std::uint32_t block, std::uint32_t blocks, const TokenSpan& message, int rank, int world_size)
      : BlockPartition(block, blocks), message_(message), rank_(rank), world_size_(world_size) {}

  template <class Which, class F>
  void for_each(Which which, F&& f) const {
    for_each_row(which, [&](std::uint64_t row) { visit(row, f); });
  }
  template <class Which, class F>
  void for_each_tile(Which which, F&& f) const {
    for_each_row(which, [&](std::uint64_t row) { f(Tile{*this, row}); });
  }

 private:
  struct Tile {
    const TokensPartition& partition;
    std::uint64_t row;
    template <class F>
    void for_each(F&& f) const {
      partition.visit(row, f);
    }
    template <class Overlap>
    bool row_sum(float&, bool alive, const Overlap&) const {
      return alive;
    }
    template <class Overlap>
    bool row_sum_and_largest(float&, float&, bool alive, const Overlap&) const {
      return alive;
    }
    template <class F>
    void for_each_group(std::uint32_t packets, F&& f) const {
      for (std::uint64_t first = 0; first < partition.message_.row_packets; first += packets) {
        f(Group{*this, first, packets});
      }
    }
  };

  struct Group {
    const Tile& tile;
    std::uint64_t first;
    std::uint32_t packets;
    template <class F>
    void for_each(F&& f) const {
      tile.partition.visit(tile.row, first, first + packets, f);
    }
    float largest(float value) const { return value; }
  };

  int owner_of(std::uint64_t row) const { return static_cast<int>(row % static_cast<std::uint64_t>(world_size_)); }
  bool wanted(AllShares, std::uint64_t) const { return true; }
  bool wanted(LocalShare, std::uint64_t row) const { return owner_of(row) == rank_; }
  bool wanted(RemoteShares, std::uint64_t row) const { return owner_of(row) != rank_; }

  template <class Which, class F>
  void for_each_row(Which which, F&& f) const {
    for (std::uint64_t row = block_; row < message_.rows; row += blocks_) {
      if (wanted(which, row)) f(row);
    }
  }
  template <class F>
  void visit(std::uint64_t row, F&& f) const {
    visit(row, 0, message_.row_packets, f);
  }
  template <class F>
  void visit(std::uint64_t row, std::uint64_t first, std::uint64_t end, F&& f) const {
    for (std::uint64_t column = first; column < end; ++column) {
      f(0, PacketRef{row * message_.row_packets + column, 0, column, owner_of(row), row});
    }
  }

  TokenSpan message_;
  int rank_, world_size_;
};

}  // namespace symmbench::host
