// A map of bounded size that forgets what was not used for longest. Private to this room.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <unordered_map>
#include <utility>

namespace mbr::access {

// One thread at a time.
template <class Key, class Value, class Hash>
class LruMap {
 public:
  explicit LruMap(std::size_t most) : most_(most) {}

  // Null if absent; else it is now the last one to be forgotten. Valid until the next obtain().
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    items_.splice(items_.end(), items_, found->second);
    return &found->second->second;
  }

  // The value, new if absent; the oldest one goes if there is no room.
  Value& obtain(const Key& key) {
    if (Value* known = find(key)) return *known;
    if (items_.size() >= most_ && !items_.empty()) {
      index_.erase(items_.front().first);
      items_.pop_front();
    }
    items_.emplace_back(key, Value{});
    index_.emplace(key, std::prev(items_.end()));
    return items_.back().second;
  }

  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    items_.erase(found->second);
    index_.erase(found);
  }

  std::size_t size() const { return items_.size(); }

 private:
  using Items = std::list<std::pair<Key, Value>>;

  const std::size_t most_;
  Items items_;  // the longest unused one first
  std::unordered_map<Key, typename Items::iterator, Hash> index_;
};

}  // namespace mbr::access
