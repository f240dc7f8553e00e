# Header-only packages are linked into a folder of their own, so that the same INTERFACE target
# serves the native and the Emscripten build without putting /usr/include on the wasm include path.
function(redoubt_header_package target header_dir)
  get_filename_component(name ${header_dir} NAME)
  if(NOT EXISTS ${header_dir})
    message(FATAL_ERROR "${header_dir} is missing: run tools/setup")
  endif()
  set(root ${CMAKE_BINARY_DIR}/_inc/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${header_dir} ${root}/${name} SYMBOLIC)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${root})
endfunction()

redoubt_header_package(redoubt_json /usr/include/nlohmann)
redoubt_header_package(redoubt_doctest /usr/include/doctest)

if(NOT EMSCRIPTEN)
  find_program(CCACHE ccache)
  if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()
