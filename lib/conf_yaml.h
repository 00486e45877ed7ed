/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_yaml.h - YAML to the tree of lib/conf.h
 *
 * One document of mappings with text names, sequences, and scalars of YAML 1.2's core schema.  Anchors,
 * aliases, tags and names that come twice are refused.
 */
#ifndef LIB_CONF_YAML_H
#define LIB_CONF_YAML_H

#include "lib/conf.h"

#define CONF_YAML_MAX	(1u << 20)

/* As conf_new(); `text` of arrays and objects is empty.  0, E_FORMAT, E_JSON_DEPTH, E_JSON_DUPLICATE,
 * E_TOOBIG or E_NOMEM, with *error filled in. */
must_check int	conf_yaml_new(struct span text, struct conf **out, struct conf_error *error);

#endif
