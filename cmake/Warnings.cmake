# Warnings are errors in our own code; redoubt_strict(TARGET) says which targets are ours.
# -ffp-contract=off keeps native and WebAssembly arithmetic bit-identical.
function(redoubt_strict target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wno-missing-field-initializers -Werror
    -ffp-contract=off)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports false positives for these inside the standard library at -O2.
    target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict
      -Wno-maybe-uninitialized -Wno-dangling-pointer)
  endif()
endfunction()
