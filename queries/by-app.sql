-- With which apps do you get in, and with which not?
SELECT
  s.app_id,
  MAX(s.app_name) AS app,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) AS refused,
  COUNT(DISTINCT CASE WHEN s.flagged THEN s.child_tenant_id END) AS customers_refusing,
  COUNT(DISTINCT s.account) AS accounts
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.app_id
ORDER BY refused DESC, sign_ins DESC, s.app_id NULLS LAST
