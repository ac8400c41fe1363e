#include "launch/inference.h"

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "data/tokenizers/no_tokenizer.h"
#include "kernels/cuda_backend.h"
#include "launch/model_directory_name.h"
#include "models/hub/peft.h"

namespace phidias::launch {
namespace {

namespace fs = std::filesystem;

at::ScalarType choose_dtype(const std::string& asked, const models::ModelDirectory& directory, at::Device device) {
  if (asked == "float32") return at::kFloat;
  if (asked == "bfloat16") return at::kBFloat16;
  const at::ScalarType own = directory.dtype() == at::kHalf ? at::kBFloat16 : directory.dtype();
  if (device.is_cuda()) return own;
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  return 4.0 * static_cast<double>(directory.config().parameter_count()) > memory / 2 ? own : at::kFloat;
}

}  // namespace

const data::Tokenizer& InferenceSetup::require_tokenizer() const {
  if (tokenizer == nullptr) throw DataError(directory.string() + " has no tokenizer (tokenizer.json, tokenizer.model or *.tiktoken): give input_ids");
  return *tokenizer;
}

InferenceSetup prepare_inference(const std::string& given, const std::string& dtype) {
  InferenceSetup result;
  result.directory = resolve_model_directory(given);
  const fs::path base = models::base_directory(result.directory);  // of an adapter; otherwise the same
  for (const fs::path& holder : {result.directory, base})
    if (result.tokenizer == nullptr && data::has_tokenizer(holder)) result.tokenizer = data::Tokenizer::load(holder);
  if (kernels::CudaBackend* cuda = kernels::cuda_backend()) {
    cuda->set_device(0);
    result.device = at::Device(at::kCUDA, 0);
  }
  const models::ModelDirectory directory = models::open_model_directory(base);
  result.dtype = choose_dtype(dtype, directory, result.device);
  log_info(result.directory.string() + ": " + std::to_string(directory.config().parameter_count()) + " parameters in " +
           (result.dtype == at::kFloat ? "float32" : "bfloat16") + " on " + result.device.str());
  return result;
}

InferenceModel load_for_inference(const std::string& given, const std::string& dtype) {
  InferenceModel result{prepare_inference(given, dtype), {}};
  result.loaded = models::load_model(result.directory, result.dtype, result.device);
  return result;
}

}  // namespace phidias::launch
