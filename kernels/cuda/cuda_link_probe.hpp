#pragma once
#include <memory>

#include "kernels/link_probe.hpp"

namespace symmbench {

/// The link probe of one GPU, under the same rules as make_cuda_kernels().
std::unique_ptr<LinkProbe> make_cuda_link_probe(int ordinal);

}  // namespace symmbench
