#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

template std::span<const BlockRow> rows_of_type<Fp16>();

}  // namespace symmbench::host
