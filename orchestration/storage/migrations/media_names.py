"""The functions that say what a medium is called and what a text names, as the revision 0017 makes them.

They are part of that revision, and so never change: another rule is another revision. Keep out: what uses them.
"""

from __future__ import annotations

import json
from html.entities import html5

_ENTITIES = json.dumps({name[:-1]: sign for name, sign in html5.items() if name.endswith(";") and len(sign) == 1})

# What one escape stands for: bytes as %C3%A9, entities of HTML, escapes of JavaScript, JSON and CSS. A space when it
# stands for nothing, since a separator never joins two names.
ESCAPE = f"""
CREATE FUNCTION media_unescaped(escape text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    digits text;
BEGIN
    IF starts_with(escape, '%') THEN
        RETURN convert_from(decode(replace(escape, '%', ''), 'hex'), 'UTF8');
    ELSIF escape ~ '^&#[0-9]' THEN
        RETURN chr(CAST(btrim(escape, '&#;') AS integer));
    ELSIF escape ~ '^&[^#]' THEN
        RETURN coalesce(CAST($json${_ENTITIES}$json$ AS jsonb) ->> btrim(escape, '&;'), ' ');
    END IF;
    digits := regexp_replace(escape, '^(?:&#x|\\\\+[ux]?\\{{?)|[;}} ]$', '', 'gi');
    RETURN chr(CAST(CAST('x' || lpad(digits, 8, '0') AS bit(32)) AS integer));
EXCEPTION WHEN OTHERS THEN
    RETURN ' ';
END
$body$
"""

# A text with its escapes undone, also those within others, in lower case. Where a backslash may be a path's or an
# escape's, and where letters stand against a name without a space, both readings follow each other.
PLAIN = r"""
CREATE FUNCTION media_plain_text(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    found text := value;
    before text;
    escape text;
BEGIN
    IF strpos(value, ';base64,') > 0 THEN
        found := regexp_replace(value, ';base64,[a-z0-9+/=]+', ' ', 'gi');
    END IF;
    FOR level IN 1..4 LOOP
        EXIT WHEN found !~ '[%&\\]';
        before := found;
        FOR escape IN
            SELECT m[1] FROM regexp_matches(found, '((?:%[0-9a-f]{2})+|&(?:[a-z][a-z0-9]*|#[0-9]{1,7}|#x[0-9a-f]{1,6});'
                '|\\+u[0-9a-f]{4}|\\+u\{[0-9a-f]{1,6}\}|\\+x[0-9a-f]{2}|\\+0{0,4}(?:2[df]|3a|5f) ?)', 'gi') AS m
            GROUP BY 1 ORDER BY length(m[1]) DESC
        LOOP
            found := replace(found, escape, media_unescaped(escape));
        END LOOP;
        EXIT WHEN found = before;
    END LOOP;
    IF strpos(value, '\') > 0 THEN
        found := concat_ws('" "', replace(found, '\', ' '), replace(found, '\', ''), replace(value, '\', ' '),
            replace(regexp_replace(value, '\\+[bfnrt]', ' ', 'g'), '\', ''));
    END IF;
    IF found ~ '[^ -~]' THEN
        found := concat_ws('" "', regexp_replace(found, '[^ -~]+', ' ', 'g'), regexp_replace(normalize(found),
            '[\u0080-\u00bf\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe10-\ufe6f\ufeff\uff00-\uff0f\uff1a-\uff20]+',
            ' ', 'g'));
    END IF;
    RETURN lower(found);
END
$body$
"""

# Everything in a text that may be a medium's name: each word of letters, digits, - and _; and each path, whole,
# without its host, and without its host and the folder below it, as where a bucket stands first.
NAMES_IN = r"""
CREATE FUNCTION media_names_in(value text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 50 AS $body$
SELECT unnest(CASE
    WHEN word ~ '[./]' THEN string_to_array(translate(word || '/' || btrim(word, './-_'), '.', '/'), '/') || ARRAY[
        btrim(word, './-_'), btrim(substr(word, strpos(word, '/') + 1), './-_'),
        btrim(regexp_replace(word, '^[^/]*/[^/]*/', ''), './-_')]
    WHEN word <> btrim(word, '-_') THEN ARRAY[word, btrim(word, '-_')]
    ELSE ARRAY[word] END)
FROM (
    SELECT ltrim(m[1], './') AS word
    FROM regexp_matches('- ' || media_plain_text(value), '[^\x01-\x2c:-@\[-^`{-\x7f]+', 'g') AS m
) AS words
$body$
"""

# What a medium is called, one name each for its id, its key and its URL: the longest word of the id, so that it is
# found beside anything; the hash in the key, or the longest word of the file; the path of the URL, or its host as well
# where the path says little. An empty name, of an id without a letter, is in every text.
NAMES = r"""
CREATE FUNCTION media_longest(value text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
SELECT coalesce((
    SELECT btrim(m[1], './') FROM regexp_matches(media_plain_text(value), pattern, 'g') AS m
    ORDER BY length(m[1]) DESC, m[1] LIMIT 1), '')
$body$;
CREATE FUNCTION media_names(media_id text, url text, storage_path text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    word CONSTANT text := '[^\x01-\x2c./:-@\[-^`{-\x7f]+';
    path CONSTANT text := '[^\x01-\x2c:-@\[-^`{-\x7f]+';
    address text := regexp_replace(
        split_part(split_part(url, '?', 1), '#', 1), '^(?:[a-z][a-z0-9+.-]*:)?//', '//', 'i');
    found text := '';
BEGIN
    IF starts_with(address, '//') THEN
        found := btrim(media_longest(regexp_replace(address, '^//[^/]*', ''), path), './-_');
    END IF;
    IF found !~ '[^a-z]' AND address !~* '^(?:data|blob):' THEN
        found := btrim(media_longest(address, path), './-_');
    END IF;
    RETURN array_remove(ARRAY[
        media_longest(media_id, word), nullif(found, ''),
        nullif(coalesce(substring(lower(storage_path), '[0-9a-f]{64}'),
            media_longest(regexp_replace(storage_path, '^.*/', ''), word)), '')
    ], NULL);
END
$body$
"""
