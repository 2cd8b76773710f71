#include "store/store.h"

namespace mbr::store {

Failed::Failed(Error error) : std::runtime_error(error.detail), error_(std::move(error)) {}

}  // namespace mbr::store
