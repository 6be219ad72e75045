from django.urls import path

from toguna.services.waste.sorting import desk, views

urlpatterns = [
    path("waste/sorting", views.sorting, name="waste-sorting"),
    path("waste/mine", views.mine, name="waste-mine"),
    path("desk/waste/sorting/", desk.overview, name="desk-waste-campaigns"),
    path("desk/waste/sorting/new", desk.campaign_edit, name="desk-waste-campaign-new"),
    path("desk/waste/sorting/rewards/new", desk.reward_edit, name="desk-waste-reward-new"),
    path("desk/waste/sorting/rewards/<slug:slug>", desk.reward_edit, name="desk-waste-reward"),
    path("desk/waste/sorting/shops/<str:code>", desk.shop, name="desk-waste-shop"),
    path("desk/waste/sorting/<slug:slug>", desk.campaign, name="desk-waste-campaign"),
    path("desk/waste/sorting/<slug:slug>/edit", desk.campaign_edit, name="desk-waste-campaign-edit"),
    path("desk/waste/sorting/<slug:slug>/tell", desk.campaign_tell, name="desk-waste-campaign-tell"),
]
