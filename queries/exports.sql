-- Which files were read, what was in them, and with which hashes?
SELECT
  e.path,
  e.sha256,
  e.bytes,
  e.dialect,
  e.records,
  e.partner,
  e.other,
  e.duplicate,
  e.rejected,
  e.first_at,
  e.last_at,
  e.exporting_tenant_id,
  e.blind_spots,
  e.run_id
FROM exports AS e
ORDER BY e.path NULLS LAST, e.run_id NULLS LAST, e.sha256 NULLS LAST, e.bytes NULLS LAST
