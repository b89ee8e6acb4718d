# One precompiled header for everything that speaks JSON: without it each file spends seconds on reading the library.
# Sources still include what they use: target header_check compiles each header without it.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp CONTENT "")
add_library(symmbench_precompiled OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
target_link_libraries(symmbench_precompiled PRIVATE symmbench_flags fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
target_precompile_headers(symmbench_precompiled PRIVATE
  ${PROJECT_SOURCE_DIR}/lib/core/json_library.hpp <fmt/format.h> <algorithm> <chrono> <functional> <map> <memory> <optional> <span> <string> <vector>)

function(symmbench_use_precompiled target)
  target_precompile_headers(${target} REUSE_FROM symmbench_precompiled)
endfunction()

# One target per folder. symmbench_module(comm DEPS core) makes the static library symmbench_comm from the .cpp files
# of the current folder; DEPS is the whole list of modules it may include (scripts/check_layers holds the code to it).
# OPTIMISED: code that runs per packet.
function(symmbench_module name)
  cmake_parse_arguments(ARG "OPTIMISED" "" "DEPS;LIBS;SUBDIRS" ${ARGN})
  set(patterns *.cpp)
  foreach(dir IN LISTS ARG_SUBDIRS)
    list(APPEND patterns ${dir}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${patterns})
  if(sources)
    add_library(symmbench_${name} STATIC ${sources})
    set(scope PUBLIC)
    if(NOT ARG_OPTIMISED)
      symmbench_use_precompiled(symmbench_${name})
    endif()
  else()
    add_library(symmbench_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  if(ARG_OPTIMISED AND NOT SYMMBENCH_SANITIZE)
    # Loops over the lanes of a packet are unrolled, which -O2 alone does not do.
    target_compile_options(symmbench_${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O2;$<$<CXX_COMPILER_ID:GNU>:-fpeel-loops>>)
  endif()
  list(TRANSFORM ARG_DEPS PREPEND symmbench_)
  target_link_libraries(symmbench_${name} ${scope} symmbench_flags ${ARG_DEPS} ${ARG_LIBS})
  set_property(GLOBAL APPEND PROPERTY SYMMBENCH_HEADER_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()
