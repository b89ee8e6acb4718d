# CUDA as a language of this build: real code for SM90, SM100 and SM103, with the arch-specific features ("a").
# CMake 3.25 fills CMAKE_CUDA_ARCHITECTURES in enable_language() unless it is set before, and knows no "100f".
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "90a-real;100a-real;103a-real")
endif()
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDA_HOME PATH_SUFFIXES bin PATHS /usr/local/cuda/bin)
endif()
enable_language(CUDA)
# CMake 3.25 does not know that nvcc 13 has C++20, and would build C++17.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13.0)
  message(FATAL_ERROR "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is too old: SM103 code needs 13.0")
endif()
find_package(CUDAToolkit 13.0 REQUIRED)  # here, so that CUDA::cudart_static is known in every folder

# What every CUDA target compiles with; host code inside .cu files gets the warnings that nvcc's own glue survives. Machine
# code compressed for size is a sixth of what it is otherwise (nvcc's default leaves it as it is).
add_library(symmbench_cuda_flags INTERFACE)
target_compile_options(symmbench_cuda_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--compress-mode=size;-Werror=all-warnings;-Xcompiler=-Wall,-Wextra,-Werror,-Wno-unknown-pragmas>)
