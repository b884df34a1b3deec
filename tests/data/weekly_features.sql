-- One snapshot: a row for every household that bought something before $snapshot, from nothing later than $snapshot.
-- A window of 28 or 91 days ends at the snapshot. A household without purchases in it has counts of 0, and nulls where
-- an average or a share would have nothing to stand on.

with lifetime as (
    select household_id, min(bought_at) as first_at, max(bought_at) as last_at, count(*) as baskets
    from baskets
    where bought_at < $snapshot
    group by household_id
),

recent_baskets as (
    select *, bought_at >= $snapshot - interval 28 day as within_28d
    from baskets
    where bought_at < $snapshot and bought_at >= $snapshot - interval 91 day
),

recent_purchases as (
    select *, bought_at >= $snapshot - interval 28 day as within_28d
    from purchases
    where bought_at < $snapshot and bought_at >= $snapshot - interval 91 day
),

visits as (
    select
        household_id,
        count(*) as baskets_91d,
        count(*) filter (within_28d) as baskets_28d,
        avg(paid) filter (within_28d) as value_mean_28d,
        avg(lines) filter (within_28d) as lines_mean_28d,
        avg(units) filter (within_28d) as units_mean_28d,
        stddev_samp(paid order by bought_at, basket_id) as value_std_91d,
        max(paid) as value_max_91d,
        -- The gaps between successive visits add up to the time between the first and the last.
        date_diff('second', min(bought_at), max(bought_at)) / 86400.0 / nullif(count(*) - 1, 0) as gap_days_mean_91d,
        avg((dayofweek(bought_at) in (0, 6))::int) as weekend_share_91d,
        avg((hour(bought_at) >= 18)::int) as evening_share_91d
    from recent_baskets
    group by household_id
),

spending as (
    select
        household_id,
        sum(paid)::double as paid_91d,
        coalesce(sum(paid) filter (within_28d), 0)::double as paid_28d,
        sum(shop_discount)::double as shop_discount,
        sum(coupon_discount)::double as coupon_discount,
        coalesce(sum(paid) filter (brand = 'Private'), 0)::double as private_label,
        coalesce(sum(paid) filter (department = 'GROCERY'), 0)::double as grocery,
        coalesce(sum(paid) filter (department = 'DRUG GM'), 0)::double as drug_gm,
        coalesce(sum(paid) filter (department = 'PRODUCE'), 0)::double as produce,
        coalesce(sum(paid) filter (department in ('MEAT', 'MEAT-PCKGD', 'SEAFOOD', 'SEAFOOD-PCKGD')), 0)::double as meat,
        coalesce(sum(paid) filter (department = 'FUEL'), 0)::double as fuel,
        coalesce(sum(paid) filter (department = 'DELI'), 0)::double as deli,
        count(distinct product_id) as products,
        count(distinct product_category) as categories,
        count(distinct store_id) as stores
    from recent_purchases
    group by household_id
),

-- Of two stores with the same spending the one with the lower number is the home store; departments go by the alphabet.
home_stores as (
    select household_id, first(store_id order by paid desc, store_id) as home_store
    from (
        select household_id, store_id, sum(paid) as paid
        from recent_purchases
        group by household_id, store_id
    )
    group by household_id
),

top_departments as (
    select household_id, first(department order by paid desc, department) as top_department
    from (
        select household_id, department, sum(paid) as paid
        from recent_purchases
        where department is not null
        group by household_id, department
    )
    group by household_id
),

redeemed_coupons as (
    select household_id, count(*) as coupons
    from coupon_redemptions
    where redemption_date < $snapshot and redemption_date >= $snapshot - interval 91 day
    group by household_id
),

running_campaigns as (
    select household_id, count(*) as running
    from campaigns
    join campaign_descriptions using (campaign_id)
    where start_date < $snapshot and end_date >= $snapshot
    group by household_id
)

select
    household_id::bigint as household_id,
    $snapshot::timestamp as snapshot_ts,
    last_at as last_event_ts,
    date_diff('second', last_at, $snapshot) / 86400.0 as recency_days,
    date_diff('second', first_at, $snapshot) / 86400.0 as tenure_days,
    coalesce(baskets_28d, 0)::bigint as frequency_28d,
    coalesce(baskets_91d, 0)::bigint as frequency_91d,
    baskets::bigint as frequency_total,
    coalesce(paid_28d, 0)::double as monetary_28d,
    coalesce(paid_91d, 0)::double as monetary_91d,
    value_mean_28d::double as basket_value_mean_28d,
    lines_mean_28d::double as basket_lines_mean_28d,
    units_mean_28d::double as basket_units_mean_28d,
    value_std_91d::double as basket_value_std_91d,
    value_max_91d::double as basket_value_max_91d,
    gap_days_mean_91d::double as interpurchase_days_mean_91d,
    case when paid_91d > 0 then paid_28d / (paid_91d * 28 / 91) end as spend_trend_28_91,
    case when paid_91d > 0 then shop_discount / (paid_91d + shop_discount + coupon_discount) end as discount_rate_91d,
    case when paid_91d > 0 then coupon_discount / (paid_91d + shop_discount + coupon_discount) end as coupon_rate_91d,
    case when paid_91d > 0 then private_label / paid_91d end as share_private_label_91d,
    case when paid_91d > 0 then grocery / paid_91d end as share_grocery_91d,
    case when paid_91d > 0 then drug_gm / paid_91d end as share_drug_gm_91d,
    case when paid_91d > 0 then produce / paid_91d end as share_produce_91d,
    case when paid_91d > 0 then meat / paid_91d end as share_meat_91d,
    case when paid_91d > 0 then fuel / paid_91d end as share_fuel_91d,
    case when paid_91d > 0 then deli / paid_91d end as share_deli_91d,
    coalesce(products, 0)::bigint as distinct_products_91d,
    coalesce(categories, 0)::bigint as distinct_categories_91d,
    coalesce(stores, 0)::bigint as distinct_stores_91d,
    weekend_share_91d::double as weekend_share_91d,
    evening_share_91d::double as evening_share_91d,
    coalesce(coupons, 0)::bigint as coupons_redeemed_91d,
    coalesce(running, 0)::bigint as campaigns_active,
    home_store::varchar as home_store,
    top_department,
    age,
    income,
    home_ownership,
    marital_status,
    household_size,
    kids_count
from lifetime
left join visits using (household_id)
left join spending using (household_id)
left join home_stores using (household_id)
left join top_departments using (household_id)
left join redeemed_coupons using (household_id)
left join running_campaigns using (household_id)
left join demographics using (household_id)
order by household_id
