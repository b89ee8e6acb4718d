# Build options and the flags that every target shares.
option(SYMMBENCH_CUDA "Build the cuda device (needs nvcc >= 13.0; no GPU and no driver)" OFF)
option(SYMMBENCH_TESTS "Build the tests (needs Catch2 3)" ON)
option(SYMMBENCH_FUZZ "Build the fuzz targets (needs clang)" OFF)
set(SYMMBENCH_SANITIZE "" CACHE STRING "Sanitizers for every target: 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# The control plane runs a few thousand calls a second at most and is most of the code: optimising it harder doubles the
# time of a build and buys nothing. What runs per packet asks for more itself (kernels/CMakeLists.txt).
set(CMAKE_CXX_FLAGS_RELEASE "-Og -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
# With both of these sanitizers, optimising is most of what compiling costs, and the tests run for a minute.
if(SYMMBENCH_SANITIZE STREQUAL "address,undefined" OR SYMMBENCH_FUZZ)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O0 -g1 -DNDEBUG")
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# -Wno-restrict: GCC 12 reports std::string concatenations that are fine (GCC bug 105651).
add_library(symmbench_flags INTERFACE)
target_compile_options(symmbench_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wno-missing-field-initializers;-Wno-restrict;-Werror>)
# GCC's own garbage collection is up to a tenth of the time of a large source, and next to nothing of a small one. Below this
# limit (KiB) it does not take place: the largest sources then take 0.9 GiB instead of 0.7. Objects are the same.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(symmbench_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=1048576>)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # of the fuzz targets only: GCC is the one whose warnings count
  target_compile_options(symmbench_flags INTERFACE -Wno-unknown-warning-option -Wno-error)
endif()
# Where several sources are compiled as one (CMAKE_UNITY_BUILD; the presets say where), GCC follows
# values far enough to doubt them inside std::variant.
if(CMAKE_UNITY_BUILD)
  target_compile_options(symmbench_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
endif()
target_include_directories(symmbench_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/lib)
if(SYMMBENCH_SANITIZE)
  # no vptr: its check opens a pipe, and so calls every object bad where a test takes the descriptors away.
  target_compile_options(symmbench_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SYMMBENCH_SANITIZE};-fno-sanitize=vptr;-fno-omit-frame-pointer;-fno-sanitize-recover=all>)
  target_link_options(symmbench_flags INTERFACE -fsanitize=${SYMMBENCH_SANITIZE})
endif()
