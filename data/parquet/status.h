// Arrow's errors as DataError.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"

namespace phidias::data {

inline void check(const arrow::Status& status, const std::string& where) {
  if (!status.ok()) throw DataError(where + ": " + status.message());
}

template <class Value>
Value check(arrow::Result<Value> result, const std::string& where) {
  check(result.status(), where);
  return std::move(result).ValueUnsafe();
}

// Runs what may throw Arrow's own exceptions.
template <class Call>
auto guarded(const std::string& where, Call&& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    throw DataError(where + ": " + problem.what());
  }
}

}  // namespace phidias::data
