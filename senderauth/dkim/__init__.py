"""DKIM (RFC 6376): keys in DNS."""

from senderauth.dkim.keys import Key, KeySearch, common_selectors, fetch_key, find_keys
from senderauth.dkim.record import KeyRecord, TagList, parse_key, tag_list

__all__ = [
    "Key",
    "KeyRecord",
    "KeySearch",
    "TagList",
    "common_selectors",
    "fetch_key",
    "find_keys",
    "parse_key",
    "tag_list",
]
