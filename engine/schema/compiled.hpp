// A schema's compiled form, which compilation.cpp makes and validation.cpp follows: a node for each
// subschema that can be reached, with its keywords in the order in which they are applied. The
// nodes point into the documents kept beside them. Internal to this folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/schema/keywords.hpp"
#include "engine/schema/pattern.hpp"
#include "engine/schema/schema.hpp"

namespace redoubt::schema {

struct Application {
  Keyword keyword;
  const Json* value;
};
struct Node {
  const Json* json = nullptr;
  int resource = 0;
  int target = -1;           ///< of $ref
  int dynamic_target = -1;   ///< of $dynamicRef, when nothing in the scope overrides it
  std::string dynamic_name;  ///< of $dynamicRef, when it names a dynamic anchor
  std::vector<Application> keywords;
};
struct Resource {
  std::string uri;
  const Json* root = nullptr;
  bool validates = true;
  std::map<std::string, int> anchors;
  std::map<std::string, int> dynamic_anchors;
};

struct Schema::Compiled {
  Documents documents;
  std::vector<Node> nodes;
  std::vector<Resource> resources;
  std::map<const Json*, int> index;
  std::map<std::string, int> by_uri;
  std::map<std::string, Pattern> patterns;
};

}  // namespace redoubt::schema
