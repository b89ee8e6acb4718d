# symmbench_embed(symmbench_config embedded_tuning "${PROJECT_SOURCE_DIR}/configs/tuning/*.json"): builds the text of files
# into a target, so that the program means the same wherever it is copied to. <source>.cpp.in of the current folder has
# @ROWS@ where {"name", text} of each file goes.
function(symmbench_embed target source pattern)
  file(GLOB files CONFIGURE_DEPENDS ${pattern})
  set(ROWS "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND ROWS "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  configure_file(${source}.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/${source}.cpp @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${source}.cpp)
endfunction()
