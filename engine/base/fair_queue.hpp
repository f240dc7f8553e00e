// FairQueue: what waits for a turn, fair between groups: each group gets one turn after the other,
// and within a group each item. A group with a thousand items delays another by one turn, not by a
// thousand.
//
// Pure, and not thread-safe. What waits already is not queued twice, so that the queue is never
// longer than there are items.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace redoubt {

template <class Group, class Item>
class FairQueue {
 public:
  /// False where the item waits already.
  bool push(const Group& group, const Item& item) {
    if (!waiting_.insert(item).second) return false;
    std::deque<Item>& items = items_[group];
    if (items.empty()) turns_.push_back(group);
    items.push_back(item);
    return true;
  }

  /// The item whose turn it is; its group goes to the end of the line.
  std::optional<Item> pop() {
    if (turns_.empty()) return std::nullopt;
    const auto found = items_.find(turns_.front());
    turns_.pop_front();
    Item item = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) {
      items_.erase(found);
    } else {
      turns_.push_back(found->first);
    }
    waiting_.erase(item);
    return item;
  }

  bool empty() const { return turns_.empty(); }
  std::size_t size() const { return waiting_.size(); }

 private:
  std::map<Group, std::deque<Item>> items_;  ///< none is empty
  std::deque<Group> turns_;                  ///< each group of items_ once, the next first
  std::set<Item> waiting_;
};

}  // namespace redoubt
