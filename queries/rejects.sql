-- Which records could not be read, where do they lie, and why?
SELECT
  r.source_export,
  r."offset",
  r.length,
  r.records,
  r.reason
FROM rejects AS r
ORDER BY r.source_export NULLS LAST, r."offset" NULLS LAST, r.reason NULLS LAST
