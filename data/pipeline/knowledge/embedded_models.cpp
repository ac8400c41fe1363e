#include "data/pipeline/knowledge/embedded_models.h"

// The assembler takes the files in; PHIDIAS_MODELS is their directory (data/CMakeLists.txt).
#define PHIDIAS_EMBED(symbol, file)                                                                                                  \
  __asm__(".section .rodata\n.balign 64\n.global " #symbol                                                                           \
          "\n"                                                                                                                       \
          ".global " #symbol "_end\n" #symbol ":\n.incbin \"" PHIDIAS_MODELS "/" file "\"\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol[], symbol##_end[]

PHIDIAS_EMBED(phidias_language_model, "language.model");
PHIDIAS_EMBED(phidias_ephemeral_model, "ephemeral.model");

namespace phidias::data::pipeline {

std::string_view embedded_language_model() { return {phidias_language_model, phidias_language_model_end}; }
std::string_view embedded_ephemeral_model() { return {phidias_ephemeral_model, phidias_ephemeral_model_end}; }

}  // namespace phidias::data::pipeline
